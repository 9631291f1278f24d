// Writes a tree as a pattern of RE2 or of JavaScript over a text alphabet. It decides nothing: what a
// dialect cannot express must not be given to it.

import type { CodePointSet } from "./code-point-set.ts";
import type { AssertionKind, AssertionNode, RegexNode, RepeatNode } from "./regex-node.ts";
import { neverSymbol, type TextAlphabet } from "./text-alphabet.ts";
import { wordSet } from "./unicode-sets.ts";

/** The engine that reads the pattern. */
export type Dialect = "re2" | "javascript";

// The alphabet leaves no newline but a final one to a pattern with `finalEnd`, see `textAlphabet`.
const re2Assertions: Readonly<Record<AssertionKind, string>> = {
  start: "\\A",
  end: "\\z",
  finalEnd: "(?m:$)",
  lineStart: "(?m:^)",
  lineEnd: "(?m:$)",
  boundary: "\\b",
  notBoundary: "\\B",
};

// Without flags, `^` and `$` are the ends of the text.
const javascriptAssertions: Readonly<Record<Exclude<AssertionKind, "boundary" | "notBoundary">, string>> = {
  start: "^",
  end: "$",
  finalEnd: "(?=\\n?$)",
  lineStart: "(?<![^\\n])",
  lineEnd: "(?![^\\n])",
};

/** The pattern of `node`, anchored at the start of the text. */
export function writePattern(node: RegexNode, alphabet: TextAlphabet, dialect: Dialect): string {
  const writer = new PatternWriter(alphabet, dialect);
  return `${dialect === "re2" ? "\\A" : "^"}(?:${writer.write(node)})`;
}

class PatternWriter {
  readonly #alphabet: TextAlphabet;
  readonly #dialect: Dialect;
  readonly #written = new Map<CodePointSet, string>();

  constructor(alphabet: TextAlphabet, dialect: Dialect) {
    this.#alphabet = alphabet;
    this.#dialect = dialect;
  }

  write(node: RegexNode): string {
    switch (node.kind) {
      case "set":
        return this.#writeSet(node.set);
      case "sequence":
        return node.items.map((item) => this.write(item)).join("");
      case "choice":
        return `(?:${node.options.map((option) => this.write(option)).join("|")})`;
      case "repeat":
        return this.#writeRepeat(node);
      case "assertion":
        return this.#writeAssertion(node);
      case "look":
        return `(?${node.ahead ? "" : "<"}${node.negative ? "!" : "="}${this.write(node.body)})`;
    }
  }

  /** What has no width matches once or not at all: repeating it is spared to the engine. */
  #writeRepeat({ body, min, max }: RepeatNode): string {
    if (max === 0 || (body.maxWidth === 0 && min === 0)) {
      return "";
    }
    if (body.maxWidth === 0) {
      return `(?:${this.write(body)})`;
    }
    const inner = body.kind === "set" ? this.write(body) : `(?:${this.write(body)})`;
    return inner + quantifier(min, max);
  }

  #writeAssertion({ assertion, ascii }: AssertionNode): string {
    if (this.#dialect === "re2") {
      return re2Assertions[assertion];
    }
    if (assertion !== "boundary" && assertion !== "notBoundary") {
      return javascriptAssertions[assertion];
    }
    const word = this.#writeSet(wordSet(ascii));
    return assertion === "boundary"
      ? `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`
      : `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`;
  }

  #writeSet(set: CodePointSet): string {
    const known = this.#written.get(set);
    if (known !== undefined) {
      return known;
    }
    const symbols = this.#alphabet.symbolsOf(set);
    const written = symbols.length === 0 ? this.#writeSymbol(neverSymbol) : this.#writeSymbols(symbols);
    this.#written.set(set, written);
    return written;
  }

  #writeSymbols(symbols: CodePointSet): string {
    if (symbols.length === 2 && symbols[0] === symbols[1]) {
      return this.#writeSymbol(symbols[0]!);
    }
    let written = "";
    for (let i = 0; i < symbols.length; i += 2) {
      written += this.#writeSymbol(symbols[i]!);
      written += symbols[i] === symbols[i + 1] ? "" : `-${this.#writeSymbol(symbols[i + 1]!)}`;
    }
    return `[${written}]`;
  }

  #writeSymbol(symbol: number): string {
    const character = String.fromCharCode(symbol);
    if (/^[0-9A-Za-z]$/.test(character)) {
      return character;
    }
    const hex = symbol.toString(16).padStart(4, "0");
    return this.#dialect === "re2" ? `\\x{${hex}}` : `\\u${hex}`;
  }
}

function quantifier(min: number, max: number): string {
  if (max === Infinity) {
    return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  }
  if (min === 0 && max === 1) {
    return "?";
  }
  return min === max ? `{${min}}` : `{${min},${max}}`;
}
