/**
 * The fast way to read an identities request: straight from the bytes of its body, in the form in which SDKs
 * send it. All else it leaves to the general way (`identity-request.ts`), which alone tells faults, and would
 * read what is taken here alike (contract A5).
 */
import { isAscii, isUtf8 } from "node:buffer";
import type { IdentityRequest, RequestTrait } from "./identity-request.ts";
import type { JsonScalar } from "./json.ts";
import type { RequestLimits } from "./settings.ts";

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const zero = 0x30;
const nine = 0x39;
const minus = 0x2d;
const point = 0x2e;
const space = 0x20;
const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

const words = {
  identifier: bytesOf('"identifier"'),
  traits: bytesOf('"traits"'),
  key: bytesOf('"trait_key"'),
  value: bytesOf('"trait_value"'),
  transient: bytesOf('"transient"'),
  true: bytesOf("true"),
  false: bytesOf("false"),
  null: bytesOf("null"),
};

const plainDigitsMax = 15;
/** Numbers that stay the same text as JavaScript numbers: short ones, no zero at the end of a fraction. */
const plainNumber = /^(?=.{1,15}$)-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?$/;
/** Unlike these: JavaScript prints the first as 0, and tiny fractions with an exponent. */
const unlikeNumber = /^-0$|^-?0\.00000/;

/** Says that only the general way can read a value; null is one. */
const notPlain = Symbol("not plain");

/**
 * @param bytes a raw body
 * @returns the request; null where the general way has to read it
 */
export function readPlainIdentityBody(bytes: Buffer, limits: RequestLimits): IdentityRequest | null {
  if (isAscii(bytes)) return new PlainBody(bytes, bytes.toString("latin1"), limits).read();
  return isUtf8(bytes) ? new PlainBody(bytes, null, limits).read() : null;
}

/** Reads one body; all it reads in part says so by null, or `notPlain`. Bytes beyond the end equal none. */
class PlainBody {
  readonly #bytes: Buffer;
  /** The whole text where each byte is a character: cutting is cheaper than decoding. */
  readonly #ascii: string | null;
  readonly #limits: RequestLimits;
  /** Where the next byte to be read stands. */
  #at = 0;

  constructor(bytes: Buffer, ascii: string | null, limits: RequestLimits) {
    this.#bytes = bytes;
    this.#ascii = ascii;
    this.#limits = limits;
  }

  read(): IdentityRequest | null {
    let identifier: string | undefined;
    let traits: RequestTrait[] | undefined;
    if (!this.#takes(openBrace)) return null;
    do {
      if (identifier === undefined && this.#takesName(words.identifier)) {
        const text = this.#string(this.#limits.identifierCharactersMax);
        if (text === null) return null;
        identifier = text;
      } else if (traits === undefined && this.#takesName(words.traits)) {
        const list = this.#traits();
        if (list === null) return null;
        traits = list;
      } else return null;
    } while (this.#takes(comma));
    if (!this.#takes(closeBrace)) return null;
    this.#skipSpace();
    if (this.#at !== this.#bytes.length) return null;
    return { identifier: identifier || null, traits: traits ?? [] };
  }

  #traits(): RequestTrait[] | null {
    const traits: RequestTrait[] = [];
    if (!this.#takes(openBracket)) return null;
    if (this.#takes(closeBracket)) return traits;
    do {
      const trait = traits.length < this.#limits.traitsMax ? this.#trait() : null;
      if (trait === null) return null;
      traits.push(trait);
    } while (this.#takes(comma));
    return this.#takes(closeBracket) ? traits : null;
  }

  #trait(): RequestTrait | null {
    if (!this.#takes(openBrace) || !this.#takesName(words.key)) return null;
    const key = this.#string(this.#limits.traitKeyCharactersMax);
    if (key === null || !this.#takes(comma) || !this.#takesName(words.value)) return null;
    const value = this.#scalar();
    if (value === notPlain) return null;
    const transient = this.#takes(comma) ? this.#transient() : false;
    return transient !== null && this.#takes(closeBrace) ? { key, value, transient } : null;
  }

  #transient(): boolean | null {
    const flag = this.#takesName(words.transient) ? this.#scalar() : null;
    return typeof flag === "boolean" ? flag : null;
  }

  #scalar(): JsonScalar | typeof notPlain {
    this.#skipSpace();
    const byte = this.#bytes[this.#at]!;
    if (byte === quote) return this.#string(this.#limits.traitValueCharactersMax) ?? notPlain;
    if (byte === minus || (byte >= zero && byte <= nine)) return this.#number();
    if (this.#takesWord(words.true)) return true;
    if (this.#takesWord(words.false)) return false;
    return this.#takesWord(words.null) ? null : notPlain;
  }

  /** Without escapes, and so short that its bytes are no more than it may have characters. */
  #string(charactersMax: number): string | null {
    if (!this.#takes(quote)) return null;
    const start = this.#at;
    let end = start;
    for (; this.#bytes[end] !== quote; end += 1) {
      const byte = this.#bytes[end]!;
      if (!(byte >= space) || byte === backslash) return null;
    }
    this.#at = end + 1;
    return end - start <= charactersMax ? this.#textOf(start, end) : null;
  }

  #number(): number | typeof notPlain {
    const start = this.#at;
    let end = start;
    let isInteger = true;
    let integer = 0;
    for (; ; end += 1) {
      const byte = this.#bytes[end]!;
      if (byte >= zero && byte <= nine) integer = integer * 10 + (byte - zero);
      else if (byte === point || byte === minus) isInteger = false;
      else break;
    }
    this.#at = end;
    // Nearly all are: short ones without a zero before them need no text.
    if (isInteger && this.#bytes[start] !== zero && end - start <= plainDigitsMax) return integer;
    const text = this.#textOf(start, end);
    return plainNumber.test(text) && !unlikeNumber.test(text) ? Number(text) : notPlain;
  }

  #textOf(start: number, end: number): string {
    return this.#ascii?.slice(start, end) ?? this.#bytes.toString("utf8", start, end);
  }

  #takesName(name: Uint8Array): boolean {
    const start = this.#at;
    this.#skipSpace();
    if (this.#takesWord(name) && this.#takes(colon)) return true;
    this.#at = start;
    return false;
  }

  #takesWord(word: Uint8Array): boolean {
    for (let index = 0; index < word.length; index += 1) {
      if (this.#bytes[this.#at + index] !== word[index]) return false;
    }
    this.#at += word.length;
    return true;
  }

  /** Spaces before it are taken too. */
  #takes(wanted: number): boolean {
    if (this.#bytes[this.#at] !== wanted) {
      this.#skipSpace();
      if (this.#bytes[this.#at] !== wanted) return false;
    }
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    let at = this.#at;
    while (isSpace(this.#bytes[at]!)) at += 1;
    this.#at = at;
  }
}

function isSpace(byte: number): boolean {
  return byte <= space && (byte === space || byte === lineFeed || byte === carriageReturn || byte === tab);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
