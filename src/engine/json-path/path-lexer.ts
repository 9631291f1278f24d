/**
 * Cuts a JSONPath (RFC 9535) into tokens, exactly as the reference's library does: where it is laxer or
 * stricter than the RFC, so is this. It does not know which order of tokens makes sense.
 */
import { PathSyntaxError } from "./path-errors.ts";
import type { Token, TokenKind } from "./path-token.ts";

const whiteSpace = /[ \n\r\t]+/y;
/** Ends at U+FFFF as in the reference: a name beyond it must stand in quotes (contract A13). */
const name = /[\x80-\ud7ff\ue000-\uffffa-zA-Z_][\x80-\ud7ff\ue000-\uffffa-zA-Z0-9_-]*/y;
const index = /-?[0-9]+/y;
const int = /-?[0-9]+(?:[eE]\+?[0-9]+)?/y;
// The colon is a slip of the reference (`(:?` for `(?:`); such a number is refused when it is read.
const float = /:?-?[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|-?[0-9]+[eE]-[0-9]+/y;
const functionCall = /[a-z][a-z_0-9]*(?=\()/y;
const filterPunctuation = /[!=<>]=|&&|\|\||[!<>(),]|true|false|null/y;
const escapable = "bfnrtu/\\";

/**
 * @param path the whole JSONPath
 * @returns its tokens, an `end` last
 * @throws PathSyntaxError
 */
export function readPathTokens(path: string): readonly Token[] {
  return new PathLexer(path).read();
}

/** What the lexer does next. A state returns null at the end of the path. */
type State = () => State | null;

class PathLexer {
  readonly #path: string;
  #position = 0;
  readonly #tokens: Token[] = [];
  #filterDepth = 0;
  /** Of each open function call, how many of its parentheses are open: commas there part arguments. */
  readonly #callParentheses: number[] = [];
  readonly #openBrackets: ("[" | "(")[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  read(): readonly Token[] {
    if (this.#next() !== "$") throw new PathSyntaxError("expected '$'");
    this.#emit("root");
    let state: State | null = this.#segment;
    while (state !== null) state = state();
    if (this.#openBrackets.length > 0) throw new PathSyntaxError("unbalanced brackets");
    return this.#tokens;
  }

  readonly #segment = (): State | null => {
    if (this.#accept(whiteSpace) !== null && this.#peek() === "") throw new PathSyntaxError("trailing space");
    if (this.#peek() === "") {
      this.#emit("end");
      return null;
    }
    switch (this.#next()) {
      case ".":
        if (this.#peek() !== ".") return this.#shorthand(whiteSpace);
        this.#next();
        this.#emit("..");
        return this.#descendants;
      case "[":
        return this.#openBracket();
      default:
        if (this.#filterDepth === 0) throw new PathSyntaxError("expected '.', '..' or '['");
        this.#position -= 1;
        return this.#filter;
    }
  };

  readonly #descendants = (): State => {
    if (this.#peek() !== "[") return this.#shorthand(null);
    this.#next();
    return this.#openBracket();
  };

  /** A name or `*` after one dot or two. */
  #shorthand(refused: RegExp | null): State {
    if (refused !== null && this.#accept(refused) !== null) throw new PathSyntaxError("space after a dot");
    if (this.#peek() === "*") {
      this.#next();
      this.#emit("wild");
      return this.#segment;
    }
    const text = this.#accept(name);
    if (text === null) throw new PathSyntaxError("expected a name");
    this.#emit("name", text);
    return this.#segment;
  }

  #openBracket(): State {
    this.#emit("[");
    this.#openBrackets.push("[");
    return this.#bracketed;
  }

  readonly #bracketed = (): State => {
    for (;;) {
      this.#accept(whiteSpace);
      const text = this.#accept(index);
      if (text !== null) {
        this.#emit("index", text);
        continue;
      }
      const character = this.#next();
      switch (character) {
        case "]":
          if (this.#openBrackets.pop() !== "[") throw new PathSyntaxError("unbalanced brackets");
          this.#emit("]");
          return this.#segment;
        case "?":
          this.#emit("?");
          this.#filterDepth += 1;
          return this.#filter;
        case "*":
          this.#emit("wild");
          break;
        case ",":
        case ":":
          this.#emit(character);
          break;
        default:
          this.#string(character);
      }
    }
  };

  readonly #filter = (): State => {
    for (;;) {
      this.#accept(whiteSpace);
      const character = this.#peek();
      if (character === "]") {
        this.#filterDepth -= 1;
        return this.#bracketed;
      }
      if (character === ".") return this.#segment;
      if (character === "$" || character === "@") {
        this.#next();
        this.#emit(character === "$" ? "root" : "current");
        return this.#segment;
      }
      const punctuation = this.#accept(filterPunctuation) as TokenKind | null;
      if (punctuation === null) {
        this.#operand();
        continue;
      }
      this.#emit(punctuation);
      if (punctuation === "(" || punctuation === ")") this.#countParenthesis(punctuation);
      // A comma outside function calls ends the filter: another selector follows.
      if (punctuation === "," && this.#callParentheses.length === 0) {
        this.#filterDepth -= 1;
        return this.#bracketed;
      }
    }
  };

  /** A number, a string, or the start of a function call. */
  #operand(): void {
    for (const [kind, pattern] of operands) {
      const text = this.#accept(pattern);
      if (text === null) continue;
      this.#emit(kind, text);
      if (kind !== "function") return;
      this.#next();
      this.#callParentheses.push(1);
      this.#openBrackets.push("(");
      return;
    }
    this.#string(this.#next());
  }

  #countParenthesis(parenthesis: "(" | ")"): void {
    if (parenthesis === "(") this.#openBrackets.push("(");
    else if (this.#openBrackets.pop() !== "(") throw new PathSyntaxError("unbalanced parentheses");
    const open = this.#callParentheses.pop();
    if (open === undefined) return;
    const left = open + (parenthesis === "(" ? 1 : -1);
    if (left > 0) this.#callParentheses.push(left);
  }

  #string(quote: string): void {
    if (quote !== "'" && quote !== '"') throw new PathSyntaxError("unexpected character");
    const start = this.#position;
    for (;;) {
      const character = this.#next();
      if (character === "") throw new PathSyntaxError("unclosed string");
      if (character === quote) break;
      if (character !== "\\") continue;
      const escaped = this.#next();
      if (escaped === "" || !(escapable.includes(escaped) || escaped === quote)) {
        throw new PathSyntaxError("invalid escape");
      }
    }
    const text = this.#path.slice(start, this.#position - 1);
    this.#emit(quote === "'" ? "single-quoted" : "double-quoted", text);
  }

  #emit(kind: TokenKind, text: string = kind): void {
    this.#tokens.push({ kind, text });
  }

  #peek(): string {
    return this.#path.charAt(this.#position);
  }

  #next(): string {
    const character = this.#peek();
    this.#position += 1;
    return character;
  }

  #accept(pattern: RegExp): string | null {
    pattern.lastIndex = this.#position;
    const text = pattern.exec(this.#path)?.[0] ?? null;
    this.#position += text?.length ?? 0;
    return text;
  }
}

const operands: readonly (readonly [TokenKind, RegExp])[] = [
  ["float", float],
  ["int", int],
  ["function", functionCall],
];
