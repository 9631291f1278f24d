/**
 * Whole documents: rules, the strength of segment overrides, features (contract A5, A13, B 5.2). Expected
 * values are the reference engine's, adjusted as `test/vectors/README.md` says.
 */
import { describe, expect, it } from "vitest";
import {
  evaluate,
  everybody,
  flagOf,
  type Json,
  prioritized,
  segment,
  state,
} from "../support/engine-documents.ts";

const matched = { operator: "IS_SET", property_: "set", value: null };
const unmatched = { operator: "IS_NOT_SET", property_: "set", value: null };
/** The reference raises on it. */
const raising = { operator: "MODULO", property_: "set", value: "0|0" };

function holds(...rules: readonly Json[]): boolean {
  return evaluate({ segments: [segment(1, rules)] }).segments.length === 1;
}

describe("rules", () => {
  it.each<[string, boolean, readonly Json[]]>([
    ["a segment without rules holds nobody", false, []],
    [
      "a rule without conditions and rules holds everybody",
      true,
      [{ type: "ANY", conditions: [], rules: [] }],
    ],
    ["missing lists are empty ones", true, [{ type: "NONE" }]],
    ["all top rules must match", false, [{ type: "ALL" }, { type: "ALL", conditions: [unmatched] }]],
    ["ANY takes one", true, [{ type: "ANY", conditions: [unmatched, matched] }]],
    ["ALL takes all", false, [{ type: "ALL", conditions: [unmatched, matched] }]],
    ["NONE takes none", false, [{ type: "NONE", conditions: [unmatched, matched] }]],
    [
      "conditions and sub-rules must both match",
      false,
      [{ type: "ANY", conditions: [matched], rules: [{ type: "ALL", conditions: [unmatched] }] }],
    ],
    [
      "sub-rules are combined by their parent's type",
      true,
      [
        {
          type: "ANY",
          rules: [
            { type: "ALL", conditions: [unmatched] },
            { type: "ALL", conditions: [matched] },
          ],
        },
      ],
    ],
    ["a condition that raises is no match", false, [{ type: "ALL", conditions: [raising] }]],
    ["so it passes inside NONE", true, [{ type: "NONE", conditions: [raising] }]],
    ["and does not spoil the others inside ANY", true, [{ type: "ANY", conditions: [raising, matched] }]],
    ["a rule of an unknown type is no match", false, [{ type: "XOR", conditions: [matched] }]],
    ["a rule of an unknown type is no match without conditions either", false, [{ type: "XOR" }]],
    [
      "so it passes inside NONE, too",
      true,
      [{ type: "NONE", rules: [{ type: "XOR", conditions: [matched] }] }],
    ],
    ["types are in upper case", false, [{ type: "all", conditions: [matched] }]],
  ])("%s", (_says, matches, rules) => {
    expect(holds(...rules)).toBe(matches);
  });

  it("lists the matched segments in document order, whatever their ids", () => {
    expect(evaluate({ segments: [everybody(50), everybody(7)] }).segments).toEqual([
      "segment 50",
      "segment 7",
    ]);
  });

  it("keeps the place of the first of two segments with one id, and the content of the last", () => {
    const segments = [everybody(1), everybody(2), { ...everybody(1), name: "last" }];
    expect(evaluate({ segments }).segments).toEqual(["last", "segment 2"]);
  });
});

describe("segment overrides", () => {
  const features = [state("f", "default")];

  it.each<[string, string, readonly Json[]]>([
    [
      "the lowest priority is the strongest",
      "b",
      [everybody(1, state("f", "a", prioritized(2))), everybody(2, state("f", "b", prioritized(1)))],
    ],
    [
      "zero is a priority",
      "b",
      [everybody(1, state("f", "a", prioritized(1))), everybody(2, state("f", "b", prioritized(0)))],
    ],
    [
      "a tie goes to the first in the document, not to the lower id",
      "a",
      [everybody(50, state("f", "a", prioritized(1))), everybody(7, state("f", "b", prioritized(1)))],
    ],
    [
      "a null priority is the weakest",
      "b",
      [
        everybody(1, state("f", "a", prioritized(null))),
        everybody(2, state("f", "b", prioritized(1_000_000))),
      ],
    ],
    [
      "and so is a missing one",
      "b",
      [everybody(1, state("f", "a")), everybody(2, state("f", "b", prioritized(9)))],
    ],
    [
      "two without priority are a tie",
      "a",
      [
        everybody(1, state("f", "a", { feature_segment: null })),
        everybody(2, state("f", "b", prioritized(null))),
      ],
    ],
    [
      "the same holds within one segment",
      "b",
      [everybody(1, state("f", "a", prioritized(2)), state("f", "b", prioritized(1)))],
    ],
    [
      "a segment that does not hold the identity overrides nothing",
      "default",
      [segment(1, [], [state("f", "a", prioritized(0))])],
    ],
    [
      "features that the environment does not have are passed over",
      "default",
      [everybody(1, state("g", "a"))],
    ],
  ])("%s", (_says, value, segments) => {
    expect(flagOf({ features, segments }).value).toBe(value);
  });

  it("names the segment as the reason", () => {
    const segments = [everybody(3, state("f", "a"))];
    expect(flagOf({ features, segments }).reason).toBe("TARGETING_MATCH; segment=segment 3");
    expect(flagOf({ features }).reason).toBe("DEFAULT");
  });
});

describe("features", () => {
  it("keep the place of the first of two with one name, and the content of the last", () => {
    const features = [state("f", 1), state("g", 2), state("f", 3)];
    expect(evaluate({ features }).flags.map(({ feature, value }) => [feature.name, value])).toEqual([
      ["f", 3],
      ["g", 2],
    ]);
  });

  it("may have the names of object members and of integers, in document order", () => {
    const names = ["__proto__", "10", "constructor", "2"];
    const { flags } = evaluate({ features: names.map((name) => state(name, name)) });
    expect(flags.map(({ feature, value }) => [feature.name, value])).toEqual(
      names.map((name) => [name, name]),
    );
  });
});
