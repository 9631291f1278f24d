/**
 * The flags that GET flags shows (contract A4), whoever asks: views that show the same flags share them. It
 * knows no headers.
 */
import type { Outcome } from "../engine/compile-outcomes.ts";
import { environmentFlagText } from "./flag-texts.ts";
import type { EncodedContent } from "./prepared-response.ts";

/** The flags of one list or of several, with their text; each found by its name. */
export class ShownFlags {
  readonly count: number;
  /** All of them as a JSON list. */
  readonly list: EncodedContent;
  readonly #hidesDisabled: boolean;
  readonly #byName: ReadonlyMap<string, Outcome>;
  /** The first of those whose names differ in case alone, by the name in lower case, where it has another. */
  readonly #firstOfCase: ReadonlyMap<string, Outcome>;

  /**
   * @param outcomes of the features that may be asked for, in document order
   * @param hidesDisabled whether those that are disabled are not shown
   * @param list of those that are shown
   */
  constructor(outcomes: readonly Outcome[], hidesDisabled: boolean, list: EncodedContent) {
    this.#hidesDisabled = hidesDisabled;
    this.count = shownOf(outcomes, hidesDisabled).length;
    this.list = list;
    this.#byName = new Map(outcomes.map((outcome) => [outcome.feature.name, outcome]));
    const firstOfCase = new Map(
      outcomes.toReversed().map((outcome) => [outcome.feature.name.toLowerCase(), outcome]),
    );
    this.#firstOfCase = new Map([...firstOfCase].filter(([name, { feature }]) => feature.name !== name));
  }

  /**
   * Finds a flag by its name: exactly, else in another case, the first of the document.
   * @returns undefined where there is none, or one that is not shown: no other stands in for it
   */
  find(name: string): Outcome | undefined {
    const lowerCase = name.toLowerCase();
    const outcome = this.#byName.get(name) ?? this.#firstOfCase.get(lowerCase) ?? this.#byName.get(lowerCase);
    return outcome?.enabled === false && this.#hidesDisabled ? undefined : outcome;
  }
}

/** @returns those of the outcomes that are shown, in the same order */
export function shownOf(outcomes: readonly Outcome[], hidesDisabled: boolean): readonly Outcome[] {
  return hidesDisabled ? outcomes.filter(({ enabled }) => enabled) : outcomes;
}

/**
 * @param outcomes in document order; a step is one of them
 * @returns their flags as a JSON list
 */
export function* listText(outcomes: readonly Outcome[]): Generator<undefined, string> {
  const texts: string[] = [];
  for (const outcome of outcomes) {
    texts.push(environmentFlagText(outcome));
    yield;
  }
  return `[${texts.join(",")}]`;
}
