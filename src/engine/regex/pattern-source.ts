// Reads a pattern one token at a time, as the Tokenizer of Python's `re._parser` does: a token is one code
// point, or a backslash with the one after it. It knows no syntax beyond that.

import { invalid } from "./pattern-error.ts";

/** A cursor over a pattern; `next` is the token to come, null at the end. */
export class PatternSource {
  readonly #codePoints: readonly string[];
  #index = 0;
  #next: string | null = null;

  constructor(codePoints: readonly string[]) {
    this.#codePoints = codePoints;
    this.#advance();
  }

  /** The token to come; null at the end. */
  get next(): string | null {
    return this.#next;
  }

  /** Takes the token to come. */
  take(): string | null {
    const taken = this.#next;
    this.#advance();
    return taken;
  }

  /** Takes the token to come if it is `token`. */
  takeIf(token: string): boolean {
    if (this.#next !== token) {
      return false;
    }
    this.#advance();
    return true;
  }

  /** Takes up to `count` tokens that are characters of `alphabet`. */
  takeWhile(count: number, alphabet: string): string {
    let taken = "";
    while (taken.length < count && this.nextIsOneOf(alphabet)) {
      taken += this.take();
    }
    return taken;
  }

  /** Whether the token to come is a character of `alphabet`. */
  nextIsOneOf(alphabet: string): boolean {
    return this.#next !== null && alphabet.includes(this.#next);
  }

  /** Takes all up to `terminator`, which it takes too; what is missing is called `name` in the error. */
  takeUntil(terminator: string, name: string): string {
    const taken: string[] = [];
    for (;;) {
      const token = this.take();
      if (token === null || (token === terminator && taken.length === 0)) {
        throw invalid(taken.length === 0 ? `missing ${name}` : `missing ${terminator}, unterminated name`);
      }
      if (token === terminator) {
        return taken.join("");
      }
      taken.push(token);
    }
  }

  /** A place to come back to with `seek`. */
  tell(): number {
    return this.#index - (this.#next === null ? 0 : this.#next.startsWith("\\") ? 2 : 1);
  }

  /** Goes back to what `tell` gave. */
  seek(place: number): void {
    this.#index = place;
    this.#advance();
  }

  #advance(): void {
    const first = this.#codePoints[this.#index];
    if (first === undefined) {
      this.#next = null;
      return;
    }
    const second = this.#codePoints[this.#index + 1];
    if (first === "\\" && second === undefined) {
      throw invalid("bad escape (end of pattern)");
    }
    this.#next = first === "\\" ? first + second : first;
    this.#index += first === "\\" ? 2 : 1;
  }
}
