/**
 * Numbers as the reference engine, which is Python, reads and prints them: `int()`, `float()` and `str()` of
 * CPython 3.11 (contract B 5.5). It must not decide which of them an operator uses.
 */
import { hasCodePoint } from "./regex/code-point-set.ts";
import { categorySet } from "./regex/unicode-sets.ts";

/** An integer of any size: a `number` where that is exact, else a `bigint`; so `===` compares two of them. */
export type Integer = number | bigint;

const integerPattern = /^[+-]?\d+(?:_\d+)*$/;
const floatPattern =
  /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/;
const infinityPattern = /^[+-]?inf(?:inity)?$/i;
const nanPattern = /^[+-]?nan$/i;
/**
 * The longest integer that Python reads from a text (`sys.get_int_max_str_digits()`). Longer ones are no
 * numbers.
 */
export const integerDigitsMax = 4300;
/** The white space that numbers may stand in: not all of `str.isspace()`, and not JavaScript's `\s`. */
const space = "[\\t-\\r\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const surroundingSpace = new RegExp(`^${space}+|${space}+$`, "g");
const nonAsciiDigit = /(?![0-9])\p{Nd}/u;

/**
 * Python's `int(text)`.
 * @returns the integer, or null where Python raises ValueError
 */
export function parsePythonInteger(text: string): Integer | null {
  const trimmed = normalise(text);
  if (!integerPattern.test(trimmed)) return null;
  const digits = trimmed.replaceAll("_", "").replace(/^\+/, "");
  return digits.replace("-", "").length > integerDigitsMax ? null : integerOf(digits);
}

/**
 * Python's `float(text)`.
 * @returns the number (infinities and NaN included), or null where Python raises ValueError
 */
export function parsePythonFloat(text: string): number | null {
  const trimmed = normalise(text);
  if (floatPattern.test(trimmed)) return Number(trimmed.replaceAll("_", ""));
  if (infinityPattern.test(trimmed)) return trimmed.startsWith("-") ? -Infinity : Infinity;
  return nanPattern.test(trimmed) ? Number.NaN : null;
}

/** @param digits ASCII digits, after at most one minus sign */
export function integerOf(digits: string): Integer {
  const value = Number(digits);
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  return BigInt(digits);
}

/** Python's `str()` of a float: the shortest digits that read back the same, with a point or an exponent. */
export function pythonFloatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e16 || magnitude < 1e-4) return exponentText(value);
  const text = String(value);
  // JavaScript turns to exponents at 1e21 and below 1e-6 only, so here the text is plain digits.
  return text.includes(".") ? text : `${text}.0`;
}

function exponentText(value: number): string {
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  const digits = exponent.slice(1);
  return `${mantissa}e${exponent.startsWith("-") ? "-" : "+"}${digits.length < 2 ? `0${digits}` : digits}`;
}

function normalise(text: string): string {
  const stripped = text.replace(surroundingSpace, "");
  return nonAsciiDigit.test(stripped) ? stripped.replace(/\p{Nd}/gu, asciiDigit) : stripped;
}

/**
 * Python reads decimal digits of every script that its Unicode version has. They stand in tens, zero first.
 */
function asciiDigit(digit: string): string {
  const digits = categorySet("d", false);
  const codePoint = digit.codePointAt(0) as number;
  if (!hasCodePoint(digits, codePoint)) return digit;
  let start = codePoint;
  while (hasCodePoint(digits, start - 1)) start -= 1;
  return String((codePoint - start) % 10);
}
