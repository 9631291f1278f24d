/**
 * Segments that override no feature: no flag asks for them, and of most documents they are the larger part.
 * They are not compiled to be served; an operator still learns of patterns in them that may not run.
 */
import type { RuleModel, SegmentModel } from "../models/environment-document.ts";
import { compileOperator } from "./operators.ts";
import type { RefusedPattern } from "./segments.ts";

/** A step is a segment. */
export function* findRefusedPatterns(
  segments: readonly SegmentModel[],
): Generator<undefined, readonly RefusedPattern[]> {
  const found: RefusedPattern[] = [];
  for (const { name: segmentName, rules } of segments) {
    for (const value of (rules ?? []).flatMap(patternsOf)) {
      compileOperator("REGEX", {
        value,
        segmentKey: "",
        onRefusedRegex: ({ refusal, detail }) =>
          found.push({ segmentName, pattern: String(value), refusal, detail }),
      });
    }
    yield;
  }
  return found;
}

function patternsOf({ conditions, rules }: RuleModel): unknown[] {
  const own = (conditions ?? []).filter(({ operator }) => operator === "REGEX");
  return [...own.map(({ value }) => value), ...(rules ?? []).flatMap(patternsOf)];
}
