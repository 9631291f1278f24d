/**
 * The flags that GET flags shows (contract A4), whoever asks: views that show the same flags share them. It
 * knows no headers.
 */
import type { Outcome } from "../engine/compile-outcomes.ts";
import { environmentFlagText } from "./flag-texts.ts";
import type { EncodedContent } from "./prepared-response.ts";

export class ShownFlags {
  readonly count: number;
  /** All of them as a JSON list. */
  readonly list: EncodedContent;
  readonly #byName: ReadonlyMap<string, Outcome>;
  /** The first of those whose names differ in case alone, by the name in lower case, where it has another. */
  readonly #firstOfCase: ReadonlyMap<string, Outcome>;

  /** @param outcomes in document order */
  constructor(outcomes: readonly Outcome[], list: EncodedContent) {
    this.count = outcomes.length;
    this.list = list;
    this.#byName = new Map(outcomes.map((outcome) => [outcome.feature.name, outcome]));
    const firstOfCase = new Map(
      outcomes.toReversed().map((outcome) => [outcome.feature.name.toLowerCase(), outcome]),
    );
    this.#firstOfCase = new Map([...firstOfCase].filter(([name, { feature }]) => feature.name !== name));
  }

  /** Finds a flag by its name: exactly, else in another case, the first of the document. */
  find(name: string): Outcome | undefined {
    const lowerCase = name.toLowerCase();
    return this.#byName.get(name) ?? this.#firstOfCase.get(lowerCase) ?? this.#byName.get(lowerCase);
  }
}

/** @param outcomes in document order; a step is one of them */
export function* listText(outcomes: readonly Outcome[]): Generator<undefined, string> {
  const texts: string[] = [];
  for (const outcome of outcomes) {
    texts.push(environmentFlagText(outcome));
    yield;
  }
  return `[${texts.join(",")}]`;
}
