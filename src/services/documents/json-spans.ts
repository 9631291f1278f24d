/**
 * Finds where values stand in the bytes of a JSON text, without parsing them: what is found must still be
 * parsed before it is believed. It checks only what a later parse of the pieces cannot see, and how deeply
 * they are nested, so that no later step runs out of stack.
 */
import { UpstreamError } from "../../models/errors.ts";

/** Real documents are nested some ten deep; the stack would end at ten times this limit or later. */
const nestingMax = 256;

/** Where a value stands: from `start` (included) to `end` (excluded). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A member of an object: where its value stands. */
export interface Member extends Span {
  readonly key: string;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openingBracket = 0x5b;
const closingBracket = 0x5d;
const openingBrace = 0x7b;
const closingBrace = 0x7d;

/** @returns the first position from `at` on that is no white space of JSON (RFC 8259, section 2) */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let position = at;
  for (;;) {
    const byte = bytes[position];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return position;
    position += 1;
  }
}

/** Whether the text is an object, by its first character. */
export function beginsAsObject(bytes: Uint8Array): boolean {
  return bytes[skipSpace(bytes, 0)] === openingBrace;
}

/** Whether the value that begins here is a list. */
export function isList(bytes: Uint8Array, { start }: Span): boolean {
  return bytes[start] === openingBracket;
}

/**
 * The members of the object that the text is, in order; ends where the text stops looking like one.
 * @throws UpstreamError `document_invalid` where a member is nested more than `nestingMax` deep
 * @returns the position at which the members ended: that of the closing brace, in an object
 */
export function* topLevelMembers(bytes: Uint8Array): Generator<Member, number> {
  let at = skipSpace(bytes, 0);
  if (bytes[at] === openingBrace) at = skipSpace(bytes, at + 1);
  while (bytes[at] === quote) {
    const keyEnd = endOfString(bytes, at);
    const key: unknown = parse(bytes, at, keyEnd);
    at = skipSpace(bytes, keyEnd);
    if (typeof key !== "string" || bytes[at] !== colon) return at;
    const start = skipSpace(bytes, at + 1);
    const end = endOfValue(bytes, start);
    yield { key, start, end };
    at = skipSpace(bytes, end);
    if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
  }
  return at;
}

/**
 * The elements of a list, in order.
 * @param list a span that `isList`
 * @throws SyntaxError where elements and commas do not alternate, or something follows the last bracket
 */
export function* listElements(bytes: Uint8Array, list: Span): Generator<Span> {
  let at = skipSpace(bytes, list.start + 1);
  if (bytes[at] !== closingBracket) {
    for (;;) {
      const end = endOfValue(bytes, at);
      if (end === at) throw new SyntaxError("a list lacks an element");
      yield { start: at, end };
      at = skipSpace(bytes, end);
      if (bytes[at] !== comma) break;
      at = skipSpace(bytes, at + 1);
    }
  }
  if (bytes[at] !== closingBracket || at + 1 !== list.end) throw new SyntaxError("a list does not end");
}

function parse(bytes: Uint8Array, start: number, end: number): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes.subarray(start, end)));
  } catch {
    return undefined;
  }
}

function endOfValue(bytes: Uint8Array, start: number): number {
  const opening = bytes[start];
  if (opening === quote) return endOfString(bytes, start);
  if (opening === openingBrace || opening === openingBracket) return endOfNesting(bytes, start);
  let at = start;
  while (at < bytes.length && !endsScalar(bytes[at] as number)) at += 1;
  return at;
}

function endsScalar(byte: number): boolean {
  return byte <= 0x20 || byte === comma || byte === closingBracket || byte === closingBrace;
}

function endOfNesting(bytes: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) at = endOfString(bytes, at) - 1;
    else if (byte === openingBrace || byte === openingBracket) {
      depth += 1;
      if (depth > nestingMax) throw nestedTooDeeply();
    } else if (byte === closingBrace || byte === closingBracket) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return bytes.length;
}

function nestedTooDeeply(): UpstreamError {
  const message = `the environment document is nested more than ${nestingMax} deep`;
  return new UpstreamError("document_invalid", message);
}

/** @returns the position after the closing quote */
function endOfString(bytes: Uint8Array, opening: number): number {
  for (let at = opening + 1; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) return at + 1;
    if (byte === backslash) at += 1;
  }
  return bytes.length;
}
