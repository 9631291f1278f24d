/** Decodes the quoted strings of JSONPaths: the escapes of JSON, and no control characters. */
import { PathSyntaxError } from "./path-errors.ts";
import type { Token } from "./path-token.ts";

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
/** An escape, whole or broken, or any other character. */
const part =
  /\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(.?)|[^\\]/gsu;

/**
 * @param token a quoted string
 * @throws PathSyntaxError
 */
export function decodePathString({ kind, text }: Token): string {
  // As the reference does it, in this order: what it makes of an escaped quote depends on it.
  const value = kind === "single-quoted" ? text.replaceAll('"', '\\"').replaceAll("\\'", "'") : text;
  return value.replace(part, decodePart);
}

function decodePart(
  whole: string,
  high: string | undefined,
  low: string | undefined,
  unit: string | undefined,
  short: string | undefined,
): string {
  if (high !== undefined && low !== undefined) return fromHex(high) + fromHex(low);
  if (unit !== undefined) return checked(fromHex(unit));
  if (short === undefined) return checked(whole);
  const decoded = shortEscapes.get(short);
  if (decoded === undefined) throw new PathSyntaxError("invalid escape");
  return decoded;
}

function fromHex(digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}

/** Control characters have no other form than the short escapes; half a surrogate pair means nothing. */
function checked(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code <= 0x1f || (code >= 0xd800 && code <= 0xdfff)) throw new PathSyntaxError("invalid character");
  return character;
}
