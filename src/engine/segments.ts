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
import { compileOperator, type ValueTest } from "./operators.ts";
import { always, every, never, none, type Predicate, some } from "./predicates.ts";
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
  /** By answer slot: what costly conditions answered; undefined where not asked yet. */
  readonly answers: (boolean | undefined)[];
}

export type SegmentPredicate = Predicate<SegmentEvaluation>;

/** A condition that can never match because its regular expression may not run (contract A13). */
export interface RefusedPattern {
  readonly segmentName: string;
  readonly pattern: string;
  readonly refusal: RegexRefusal;
  readonly detail: string;
}

/**
 * What operators cost beside a comparison, measured with short values: 0.4 µs for a hash, 0.2 for a pattern
 * or a version, 0.01 for a comparison.
 */
const operatorCosts: ReadonlyMap<string, number> = new Map([
  ["PERCENTAGE_SPLIT", 40],
  ["REGEX", 20],
]);
const versionCost = 20;
/** From this cost on, equal conditions are asked once. */
const sharedCostMin = 20;
/** A path that searches costs as much as the context is large: all else comes before. */
const searchCost = 1000;

/** Compiles the segments of one document; properties share their slots between segments. */
export class SegmentCompiler {
  readonly refusedPatterns: RefusedPattern[] = [];
  readonly #slots = new Map<string, number | null>();
  /** Costly conditions by what they ask: equal ones of many segments are one. */
  readonly #costly = new Map<string, SegmentPredicate>();
  readonly #lookups: PropertyLookup[] = [];
  readonly #staticContext: () => StaticContext;

  /** @param staticContext the request-independent part of the context, made only if a path needs it */
  constructor(staticContext: () => StaticContext) {
    this.#staticContext = staticContext;
  }

  /** How many slots an evaluation's `values` needs. */
  get valueSlots(): number {
    return this.#lookups.length;
  }

  /** How many slots an evaluation's `answers` needs. */
  get answerSlots(): number {
    return this.#costly.size;
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
    const test = this.#compileTest(condition, segment);
    if (test === null) return never;
    const property = condition.property_ ?? "";
    const cost = costOf(condition);
    // The identity's own key, as it is: not coerced.
    if (condition.operator === "PERCENTAGE_SPLIT" && property === "") return identityKeyPredicate(test, cost);
    const slot = this.#slotOf(property);
    if (slot === null) return never;
    const predicate = propertyPredicate(slot, this.#lookups[slot] as PropertyLookup, test, cost);
    return cost < sharedCostMin ? predicate : this.#share(predicate, condition, segment);
  }

  #compileTest({ operator, value }: ConditionModel, segment: SegmentModel): ValueTest | null {
    return compileOperator(operator, {
      value,
      segmentKey: String(segment.id),
      onRefusedRegex: ({ refusal, detail }) =>
        this.refusedPatterns.push({ segmentName: segment.name, pattern: String(value), refusal, detail }),
    });
  }

  /** Equal conditions are asked once in an evaluation, whatever number of segments has them. */
  #share(predicate: SegmentPredicate, condition: ConditionModel, segment: SegmentModel): SegmentPredicate {
    const { operator, property_: property, value } = condition;
    // A split hashes the segment's id too.
    const salt = operator === "PERCENTAGE_SPLIT" ? segment.id : null;
    const question = JSON.stringify([operator, property, value, salt]);
    const known = this.#costly.get(question);
    if (known !== undefined) return known;
    const shared = sharedPredicate(this.#costly.size, predicate);
    this.#costly.set(question, shared);
    return shared;
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

/*
 * NOTE: closures that live as long as a snapshot are made here, in functions of their own: V8 keeps all that
 * any closure of a function captures, and the compiler's methods hold the document.
 */

function identityKeyPredicate(test: ValueTest, cost: number): SegmentPredicate {
  return {
    cost,
    matches: ({ identity: { key } }) => key !== null && test({ kind: "string", value: key }),
  };
}

function propertyPredicate(
  slot: number,
  lookup: PropertyLookup,
  test: ValueTest,
  cost: number,
): SegmentPredicate {
  return {
    cost,
    matches: (evaluation) => {
      let value = evaluation.values[slot];
      if (value === undefined) {
        value = lookUp(lookup, evaluation.identity);
        evaluation.values[slot] = value;
      }
      return value !== raised && test(value);
    },
  };
}

function sharedPredicate(slot: number, { cost, matches }: SegmentPredicate): SegmentPredicate {
  return {
    cost,
    matches: (evaluation) => {
      evaluation.answers[slot] ??= matches(evaluation);
      return evaluation.answers[slot];
    },
  };
}

function lookUp(lookup: PropertyLookup, identity: IdentityContext): ContextValue | typeof raised | null {
  try {
    return toContextValue(lookup(identity));
  } catch (error) {
    if (error instanceof PathRaisedError || error instanceof RangeError) return raised;
    throw error;
  }
}

const combiners: ReadonlyMap<string, typeof every> = new Map([
  ["ALL", every],
  ["ANY", some],
  ["NONE", none],
]);

function costOf({ operator, value, property_: property }: ConditionModel): number {
  const searches = property?.startsWith("$.") === true && /[*?:,]|\.\./.test(property);
  const comparesVersions = typeof value === "string" && value.endsWith(":semver");
  const cost = comparesVersions ? versionCost : (operatorCosts.get(operator) ?? 1);
  return searches ? cost + searchCost : cost;
}
