/** The tokens of a JSONPath, and the stream that the parser reads them from. It knows no grammar. */
import { PathSyntaxError } from "./path-errors.ts";

export type TokenKind =
  | "end"
  | "root"
  | "current"
  | "name"
  | "wild"
  | "index"
  | "single-quoted"
  | "double-quoted"
  | "int"
  | "float"
  | "true"
  | "false"
  | "null"
  | "function"
  | ".."
  | "["
  | "]"
  | "("
  | ")"
  | "?"
  | ","
  | ":"
  | "!"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "&&"
  | "||";

export interface Token {
  readonly kind: TokenKind;
  /** Its text; of a string, what stands between the quotes. */
  readonly text: string;
}

/** Steps through tokens; the last one, `end`, is never passed. */
export class TokenStream {
  readonly #tokens: readonly Token[];
  #position = 0;

  /** @param tokens an `end` last */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#tokens[this.#position] as Token;
  }

  get peek(): Token {
    return this.#tokens[Math.min(this.#position + 1, this.#tokens.length - 1)] as Token;
  }

  isAt(kind: TokenKind): boolean {
    return this.current.kind === kind;
  }

  /** @returns the token that was current */
  next(): Token {
    const token = this.current;
    if (token.kind !== "end") this.#position += 1;
    return token;
  }

  /** Steps back by one: what reads ahead leaves its last token current. */
  backUp(): void {
    this.#position -= 1;
  }

  expect(kind: TokenKind): void {
    if (!this.isAt(kind)) throw new PathSyntaxError(`expected '${kind}'`);
  }
}
