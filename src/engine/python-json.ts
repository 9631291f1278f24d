/**
 * Lists in JSON as Python's `json.loads` reads them and `str()` prints their elements: what `IN` compares
 * with (contract B 5.5). It differs from `JSON.parse` in NaN and infinity, in the order of members and in
 * limits.
 */
import { pythonStringRepr } from "./context-value.ts";
import { integerDigitsMax, integerOf, pythonFloatText } from "./python-numbers.ts";

const whiteSpace = /[ \t\n\r]*/y;
/** Control characters are forbidden in it. */
const string = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const number = /(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const word = /null|true|false|NaN|-?Infinity/y;
const wordTexts: ReadonlyMap<string, string> = new Map([
  ["null", "None"],
  ["true", "True"],
  ["false", "False"],
  ["NaN", "nan"],
  ["Infinity", "inf"],
  ["-Infinity", "-inf"],
]);
/** Python runs out of stack near 1,000, which is no match; this leaves it some room. */
const depthMax = 900;

/** An element: a string stands for itself, all else for what Python prints. */
interface Element {
  readonly text: string;
  readonly isString: boolean;
}

class NotJsonError extends Error {
  override readonly name = "NotJsonError";
}

/**
 * @param text begins with `[`
 * @returns the elements as `str()` prints them; null where Python finds no JSON, an empty list where it
 *   gives up
 */
export function readPythonList(text: string): readonly string[] | null {
  try {
    const reader = new ListReader(text);
    const elements = reader.readList(1);
    reader.expectEnd();
    return elements.map((element) => element.text);
  } catch (error) {
    if (error instanceof NotJsonError) return null;
    if (error instanceof RangeError) return [];
    throw error;
  }
}

class ListReader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  expectEnd(): void {
    this.#accept(whiteSpace);
    if (this.#position < this.#text.length) throw new NotJsonError();
  }

  readList(depth: number): Element[] {
    const elements: Element[] = [];
    this.#readMembers("[", "]", depth, () => elements.push(this.#readElement(depth)));
    return elements;
  }

  #readElement(depth: number): Element {
    const character = this.#text.charAt(this.#position);
    if (character === '"') return { text: this.#readString(), isString: true };
    return { text: this.#readOther(character, depth), isString: false };
  }

  #readOther(character: string, depth: number): string {
    if (character === "[")
      return `[${this.readList(depth + 1)
        .map(reprOf)
        .join(", ")}]`;
    if (character === "{") return this.#readObject(depth + 1);
    const known = wordTexts.get(this.#accept(word)?.[0] ?? "");
    if (known !== undefined) return known;
    const [text, integer = "", fraction, exponent] = this.#accept(number) ?? [];
    if (text === undefined) throw new NotJsonError();
    if (fraction !== undefined || exponent !== undefined) return pythonFloatText(Number(text));
    if (integer.replace("-", "").length > integerDigitsMax) throw new NotJsonError();
    return String(integerOf(integer));
  }

  #readObject(depth: number): string {
    const members = new Map<string, string>();
    this.#readMembers("{", "}", depth, () => {
      const key = this.#readString();
      this.#accept(whiteSpace);
      this.#expect(":");
      this.#accept(whiteSpace);
      members.set(key, reprOf(this.#readElement(depth)));
    });
    return `{${Array.from(members, ([key, text]) => `${pythonStringRepr(key)}: ${text}`).join(", ")}}`;
  }

  #readMembers(open: string, close: string, depth: number, readMember: () => void): void {
    if (depth > depthMax) throw new RangeError("nested too deeply");
    this.#expect(open);
    this.#accept(whiteSpace);
    if (!this.#isAt(close)) {
      for (;;) {
        readMember();
        this.#accept(whiteSpace);
        if (!this.#isAt(",")) break;
        this.#expect(",");
        this.#accept(whiteSpace);
      }
    }
    this.#expect(close);
  }

  #readString(): string {
    const text = this.#accept(string)?.[0];
    if (text === undefined) throw new NotJsonError();
    return JSON.parse(text) as string;
  }

  #isAt(character: string): boolean {
    return this.#text.charAt(this.#position) === character;
  }

  #expect(character: string): void {
    if (!this.#isAt(character)) throw new NotJsonError();
    this.#position += 1;
  }

  #accept(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    this.#position += match?.[0].length ?? 0;
    return match;
  }
}

function reprOf({ text, isString }: Element): string {
  return isString ? pythonStringRepr(text) : text;
}
