/**
 * Segments compiled into predicates over one evaluation. A property is looked up and coerced at most once a
 * request, whatever number of conditions ask for it. Overrides and features are not its concern.
 */
import type { ConditionModel, RuleModel, SegmentModel } from "../models/environment-document.ts";
import {
  compileProperty,
  type IdentityContext,
  type PropertyLookup,
  type StaticContext,
} from "./context-paths.ts";
import { type ContextValue, toContextValue } from "./context-value.ts";
import { PathRaisedError } from "./json-path/path-errors.ts";
import { compileOperator } from "./operators.ts";
import type { RegexRefusal } from "./regex/compile-regex.ts";

/**
 * Stands for a value whose look-up the reference raises on: no condition matches it, not even "is not set".
 */
const raised = Symbol("raised");

/** The state of evaluating one identity: what has been looked up so far. */
export interface SegmentEvaluation {
  readonly identity: IdentityContext;
  /** By property slot; undefined where not looked up yet. */
  readonly values: (ContextValue | typeof raised | null | undefined)[];
}

export type SegmentPredicate = (evaluation: SegmentEvaluation) => boolean;

/** A condition that can never match because its regular expression may not run (contract A13). */
export interface RefusedPattern {
  readonly segmentName: string;
  readonly pattern: string;
  readonly refusal: RegexRefusal;
  readonly detail: string;
}

type Predicates = readonly SegmentPredicate[];
const never: SegmentPredicate = () => false;
const always: SegmentPredicate = () => true;

/** Compiles the segments of one document; properties share their slots between segments. */
export class SegmentCompiler {
  readonly refusedPatterns: RefusedPattern[] = [];
  readonly #slots = new Map<string, number | null>();
  readonly #lookups: PropertyLookup[] = [];
  readonly #staticContext: () => StaticContext;

  /** @param staticContext the request-independent part of the context, made only if a path needs it */
  constructor(staticContext: () => StaticContext) {
    this.#staticContext = staticContext;
  }

  /** How many slots an evaluation's `values` needs. */
  get slots(): number {
    return this.#lookups.length;
  }

  /** A segment without rules never matches; otherwise all of its top rules must. */
  compile(segment: SegmentModel): SegmentPredicate {
    const rules = segment.rules ?? [];
    if (rules.length === 0) return never;
    return every(rules.map((rule) => this.#compileRule(rule, segment)));
  }

  /** Conditions and sub-rules are each combined by the rule's own type, then both must hold (B 5.2). */
  #compileRule(rule: RuleModel, segment: SegmentModel): SegmentPredicate {
    const conditions = (rule.conditions ?? []).map((each) => this.#compileCondition(each, segment));
    const rules = (rule.rules ?? []).map((each) => this.#compileRule(each, segment));
    const combine = combiners.get(rule.type);
    // An unknown type is "no match" of this rule alone (A13), also where it has nothing to combine.
    if (combine === undefined) return never;
    const parts = [conditions, rules].filter((each) => each.length > 0);
    return parts.length === 0 ? always : every(parts.map(combine));
  }

  #compileCondition(condition: ConditionModel, segment: SegmentModel): SegmentPredicate {
    const test = compileOperator(condition.operator, {
      value: condition.value,
      segmentKey: String(segment.id),
      onRefusedRegex: ({ refusal, detail }) =>
        this.refusedPatterns.push({
          segmentName: segment.name,
          pattern: String(condition.value),
          refusal,
          detail,
        }),
    });
    if (test === null) return never;
    const property = condition.property_ ?? "";
    if (condition.operator === "PERCENTAGE_SPLIT" && property === "") {
      // The identity's own key, as it is: not coerced.
      return ({ identity: { key } }) => key !== null && test({ kind: "string", value: key });
    }
    const slot = this.#slotOf(property);
    if (slot === null) return never;
    const lookup = this.#lookups[slot] as PropertyLookup;
    return (evaluation) => {
      let value = evaluation.values[slot];
      if (value === undefined) {
        value = lookUp(lookup, evaluation.identity);
        evaluation.values[slot] = value;
      }
      return value !== raised && test(value);
    };
  }

  #slotOf(property: string): number | null {
    const known = this.#slots.get(property);
    if (known !== undefined) return known;
    const lookup = compileProperty(property, this.#staticContext);
    const slot = lookup === null ? null : this.#lookups.push(lookup) - 1;
    this.#slots.set(property, slot);
    return slot;
  }
}

function lookUp(lookup: PropertyLookup, identity: IdentityContext): ContextValue | typeof raised | null {
  try {
    return toContextValue(lookup(identity));
  } catch (error) {
    if (error instanceof PathRaisedError || error instanceof RangeError) return raised;
    throw error;
  }
}

const combiners: ReadonlyMap<string, (predicates: Predicates) => SegmentPredicate> = new Map([
  ["ALL", every],
  ["ANY", some],
  ["NONE", none],
]);

function every(predicates: Predicates): SegmentPredicate {
  const only = predicates[0];
  if (predicates.length === 1 && only !== undefined) return only;
  return (evaluation) => {
    for (const predicate of predicates) if (!predicate(evaluation)) return false;
    return true;
  };
}

function some(predicates: Predicates): SegmentPredicate {
  return (evaluation) => {
    for (const predicate of predicates) if (predicate(evaluation)) return true;
    return false;
  };
}

function none(predicates: Predicates): SegmentPredicate {
  const any = some(predicates);
  return (evaluation) => !any(evaluation);
}
