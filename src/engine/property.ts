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
import { ownCopy } from "./own-copy.ts";

/** So many values of one property are remembered at most. */
const rememberedValuesMax = 128;
/** Longer values are not remembered. */
const rememberedCharactersMax = 64;
/** A property whose first values came again less often than this, on average, is not worth remembering. */
const repeatsMin = 2;
/** What a remembered value takes beside its answers, in places of an answer (8 bytes). */
const valuePlaces = 32;

/** How much all environments of a process may remember, in places of an answer: 16 MB. */
export const answerPlacesMax = 2_000_000;

/**
 * How much one environment may remember yet, all its properties together. What a property forgets is not
 * given back: others would fill it with what is forgotten in its turn.
 */
export interface AnswerBudget {
  placesLeft: number;
}

/** What the conditions of one property answer to one value. */
export class PropertyAnswers {
  readonly #tests: readonly ValueTest[];
  readonly #value: ContextValue | null;
  /** By question; undefined where not asked yet. */
  readonly #known: (boolean | undefined)[];

  /**
   * @param tests one per condition, complete
   * @param value what the tests are asked about; null is "not set"
   */
  constructor(tests: readonly ValueTest[], value: ContextValue | null) {
    this.#tests = tests;
    this.#value = value;
    this.#known = new Array(tests.length);
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

/** What conditions see of a property: the look-up, and how its result is coerced. */
export interface PropertySource {
  readonly lookUp: PropertyLookup;
  readonly coerce: (raw: JsonScalar | undefined) => ContextValue | null;
}

/** By value, before coercion. */
type RememberedAnswers = Map<JsonScalar | undefined, PropertyAnswers>;

export class Property {
  readonly #source: PropertySource;
  readonly #budget: AnswerBudget;
  readonly #tests: ValueTest[] = [];
  /** Null once it turned out that values do not come again. */
  #remembered: RememberedAnswers | null = new Map();
  #repeats = 0;

  /** @param budget shared with the other properties of the environment */
  constructor(source: PropertySource, budget: AnswerBudget) {
    this.#source = source;
    this.#budget = budget;
  }

  /**
   * NOTE: all are added before the first answer is asked for.
   * @returns the index of the new condition among those of this property
   */
  add(test: ValueTest): number {
    return this.#tests.push(test) - 1;
  }

  /** @returns what its conditions answer for an identity; none is asked before its answer is wanted */
  answersFor(identity: IdentityContext): Pick<PropertyAnswers, "answer"> {
    let raw: JsonScalar | undefined;
    try {
      raw = this.#source.lookUp(identity);
    } catch (error) {
      if (error instanceof PathRaisedError || error instanceof RangeError) return raised;
      throw error;
    }
    const known = this.#remembered?.get(raw);
    if (known !== undefined) {
      this.#repeats += 1;
      return known;
    }
    if (this.#remembered === null || !isRememberable(raw)) return this.#answersTo(raw);
    return this.#remember(raw, this.#remembered);
  }

  #answersTo(raw: JsonScalar | undefined): PropertyAnswers {
    return new PropertyAnswers(this.#tests, this.#source.coerce(raw));
  }

  #remember(sent: JsonScalar | undefined, remembered: RememberedAnswers): PropertyAnswers {
    const places = this.#tests.length + valuePlaces;
    if (remembered.size < rememberedValuesMax && places <= this.#budget.placesLeft) {
      const raw = typeof sent === "string" ? ownCopy(sent) : sent;
      const answers = this.#answersTo(raw);
      this.#budget.placesLeft -= places;
      remembered.set(raw, answers);
      return answers;
    }
    if (this.#repeats < remembered.size * repeatsMin) this.#remembered = null;
    return this.#answersTo(sent);
  }
}

function isRememberable(raw: JsonScalar | undefined): boolean {
  return typeof raw === "string" ? raw.length <= rememberedCharactersMax : !(raw instanceof Object);
}
