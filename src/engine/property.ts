/**
 * A property that conditions look at, such as a trait, and what they answer to its values. Most traits have
 * few values (a plan, a country, a version): what was answered to those is remembered from one identity to
 * the next. Which segments ask is not its concern.
 */
import type { JsonScalar } from "../models/json.ts";
import type { IdentityContext, PropertyLookup } from "./context-paths.ts";
import type { ContextValue } from "./context-value.ts";
import { PathRaisedError } from "./json-path/path-errors.ts";
import type { ValueTest } from "./operators.ts";

/** Of one property so many values are remembered at most, fewer where it has many conditions. */
const rememberedValuesMax = 128;
const rememberedAnswersMax = 16_384;
/** Longer values are not remembered. */
const rememberedCharactersMax = 64;
/** A property whose first values came again less often than this, on average, is not worth remembering. */
const repeatsMin = 2;

/** What the conditions of one property answer to one value. */
export class PropertyAnswers {
  readonly #tests: readonly ValueTest[];
  readonly #value: ContextValue | null;
  /** By question; undefined where not asked yet. */
  readonly #known: (boolean | undefined)[];

  /**
   * @param value what the tests are asked about; null is "not set"
   * @param places how many answers there is room for; what is beyond makes room
   */
  constructor(tests: readonly ValueTest[], value: ContextValue | null, places: number) {
    this.#tests = tests;
    this.#value = value;
    this.#known = new Array(places);
  }

  /** @param question the index of the condition's test */
  answer(question: number): boolean {
    let known = this.#known[question];
    if (known === undefined) {
      known = (this.#tests[question] as ValueTest)(this.#value);
      this.#known[question] = known;
    }
    return known;
  }
}

/** Stands for a value whose look-up the reference raises on: no condition holds, not even "is not set". */
const raised = { answer: () => false };

export class Property {
  readonly #lookup: PropertyLookup;
  readonly #coerce: (raw: JsonScalar | undefined) => ContextValue | null;
  readonly #tests: ValueTest[] = [];
  #places = 0;
  /** By value, before coercion; null once it turned out that values do not come again. */
  #remembered: Map<JsonScalar | undefined, PropertyAnswers> | null = new Map();
  #repeats = 0;

  /** @param coerce turns what is looked up into what conditions see */
  constructor(lookup: PropertyLookup, coerce: (raw: JsonScalar | undefined) => ContextValue | null) {
    this.#lookup = lookup;
    this.#coerce = coerce;
  }

  /** @returns the index of the new condition among those of this property */
  add(test: ValueTest): number {
    return this.#tests.push(test) - 1;
  }

  /** The conditions that it has by now are those that flags depend on: answers get room for these alone. */
  settle(): void {
    this.#places = this.#tests.length;
  }

  /** @returns what its conditions answer for an identity; none is asked before its answer is wanted */
  answersFor(identity: IdentityContext): Pick<PropertyAnswers, "answer"> {
    let raw: JsonScalar | undefined;
    try {
      raw = this.#lookup(identity);
    } catch (error) {
      if (error instanceof PathRaisedError || error instanceof RangeError) return raised;
      throw error;
    }
    const known = this.#remembered?.get(raw);
    if (known === undefined) return this.#answersTo(raw);
    this.#repeats += 1;
    return known;
  }

  #answersTo(raw: JsonScalar | undefined): PropertyAnswers {
    const answers = new PropertyAnswers(this.#tests, this.#coerce(raw), this.#places);
    if (this.#remembered === null || !isRememberable(raw)) return answers;
    const valuesMax = Math.min(rememberedValuesMax, Math.ceil(rememberedAnswersMax / this.#places));
    if (this.#remembered.size < valuesMax) this.#remembered.set(ownCopy(raw), answers);
    else if (this.#repeats < valuesMax * repeatsMin) this.#remembered = null;
    return answers;
  }
}

function isRememberable(raw: JsonScalar | undefined): boolean {
  return typeof raw === "string" ? raw.length <= rememberedCharactersMax : !(raw instanceof Object);
}

/** NOTE: V8 cuts a string out of a text without copying it, and what remembers the one keeps the other. */
function ownCopy(raw: JsonScalar | undefined): JsonScalar | undefined {
  return typeof raw === "string" ? Buffer.from(raw, "utf16le").toString("utf16le") : raw;
}
