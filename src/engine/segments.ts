/**
 * Segments compiled into rules over properties. A property is looked up and coerced at most once a request,
 * whatever number of conditions ask for it. Overrides and features are not its concern.
 */
import type { ConditionModel, RuleModel, SegmentModel } from "../models/environment-document.ts";
import { compileProperty, type StaticContext } from "./context-paths.ts";
import { toContextValue } from "./context-value.ts";
import { compileOperator, type ValueTest } from "./operators.ts";
import { type AnswerBudget, Property, type PropertySource } from "./property.ts";
import type { RegexRefusal } from "./regex/compile-regex.ts";
import { always, every, never, none, type Rule, some } from "./rules.ts";

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
/** A path that searches costs as much as the context is large: all else comes before. */
const searchCost = 1000;

/** Compiles the segments of one document; segments share properties and equal conditions. */
export class SegmentCompiler {
  readonly refusedPatterns: RefusedPattern[] = [];
  readonly properties: Property[] = [];
  /** By what they look at, the index among the properties; null where looking always raises. */
  readonly #indexes = new Map<string, number | null>();
  /** By what they ask, the index among the conditions of their property. */
  readonly #questions = new Map<string, number>();
  readonly #staticContext: () => StaticContext;
  readonly #budget: AnswerBudget;

  /**
   * @param staticContext the request-independent part of the context, made only if a path needs it
   * @param answerPlaces how much its properties may remember, all together
   */
  constructor(staticContext: () => StaticContext, answerPlaces: number) {
    this.#staticContext = staticContext;
    this.#budget = { placesLeft: answerPlaces };
  }

  /** A segment without rules never matches; otherwise all of its top rules must. */
  compile(segment: SegmentModel): Rule {
    const rules = segment.rules ?? [];
    if (rules.length === 0) return never;
    return every(rules.map((rule) => this.#compileRule(rule, segment)));
  }

  /** Conditions and sub-rules are each combined by the rule's own type, then both must hold (B 5.2). */
  #compileRule(rule: RuleModel, segment: SegmentModel): Rule {
    const conditions = (rule.conditions ?? []).map((each) => this.#compileCondition(each, segment));
    const rules = (rule.rules ?? []).map((each) => this.#compileRule(each, segment));
    const combine = combiners.get(rule.type);
    // An unknown type is "no match" of this rule alone (A13), also where it has nothing to combine.
    if (combine === undefined) return never;
    const parts = [conditions, rules].filter((each) => each.length > 0);
    return parts.length === 0 ? always : every(parts.map(combine));
  }

  #compileCondition(condition: ConditionModel, segment: SegmentModel): Rule {
    const test = this.#compileTest(condition, segment);
    if (test === null) return never;
    const property = this.#indexOf(condition);
    if (property === null) return never;
    const question = this.#questionOf(property, test, condition, segment);
    return { kind: "condition", isWanted: true, cost: costOf(condition), property, question };
  }

  #compileTest({ operator, value }: ConditionModel, segment: SegmentModel): ValueTest | null {
    return compileOperator(operator, {
      value,
      segmentKey: String(segment.id),
      onRefusedRegex: ({ refusal, detail }) =>
        this.refusedPatterns.push({ segmentName: segment.name, pattern: String(value), refusal, detail }),
    });
  }

  #indexOf({ operator, property_: path }: ConditionModel): number | null {
    const name = path ?? "";
    const key = operator === "PERCENTAGE_SPLIT" && name === "" ? identityKey : `.${name}`;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const source = key === identityKey ? identityKeySource : sourceOf(name, this.#staticContext);
    const index = source === null ? null : this.properties.push(new Property(source, this.#budget)) - 1;
    this.#indexes.set(key, index);
    return index;
  }

  /** Equal conditions are asked once, whatever number of segments has them. */
  #questionOf(
    index: number,
    test: ValueTest,
    { operator, value }: ConditionModel,
    segment: SegmentModel,
  ): number {
    const property = this.properties[index] as Property;
    // Lists are long, and hardly ever the same.
    if (typeof value === "object" && value !== null) return property.add(test);
    // A split hashes the segment's id too.
    const salt = operator === "PERCENTAGE_SPLIT" ? String(segment.id) : "";
    const wording = JSON.stringify([index, operator, salt, value]);
    const question = this.#questions.get(wording) ?? property.add(test);
    this.#questions.set(wording, question);
    return question;
  }
}

/** Stands for what a split without a property looks at; the names of others have a point before them. */
const identityKey = "identity key";

/*
 * NOTE: closures that live as long as a snapshot are made here, in functions of their own: V8 keeps all that
 * any closure of a function captures, and the compiler's methods hold the document.
 */

/** The identity's own key, as it is: not coerced. */
const identityKeySource: PropertySource = {
  lookUp: ({ key }) => key,
  coerce: (raw) => (typeof raw === "string" ? { kind: "string", value: raw } : null),
};

/** @returns null where the reference always raises */
function sourceOf(name: string, staticContext: () => StaticContext): PropertySource | null {
  const lookUp = compileProperty(name, staticContext);
  return lookUp === null ? null : { lookUp, coerce: toContextValue };
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
