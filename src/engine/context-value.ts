/**
 * The values that conditions look at: a trait or a part of the context after the reference engine's coercion,
 * which reads numeric-looking strings as numbers before every operator (contract B 5.4, trap 1).
 */
import { JsonNumber, type JsonScalar } from "../models/json.ts";
import { type Integer, integerOf, pythonFloatText } from "./python-numbers.ts";

/** A looked-up value; null stands for "not set". */
export type ContextValue =
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "integer"; readonly value: Integer }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string };

const integerText = /^-?[0-9]+$/;
const floatText = /^-?[0-9]+\.[0-9]+$/;
const floatMark = /[.eE]/;

/** Coerces a raw value as the reference engine does: `"21"` is 21, `"007"` is 7, `"1.0"` is a float. */
export function toContextValue(raw: JsonScalar | undefined): ContextValue | null {
  if (raw === null || raw === undefined) return null;
  if (typeof raw === "string") return fromString(raw);
  if (typeof raw === "boolean") return { kind: "boolean", value: raw };
  if (typeof raw === "number") {
    return Number.isInteger(raw) ? { kind: "integer", value: raw } : { kind: "float", value: raw };
  }
  return fromNumberText(raw);
}

function fromString(raw: string): ContextValue {
  if (integerText.test(raw)) return { kind: "integer", value: integerOf(raw) };
  if (floatText.test(raw)) return { kind: "float", value: Number(raw) };
  return { kind: "string", value: raw };
}

function fromNumberText(raw: JsonNumber): ContextValue {
  return floatMark.test(raw.text)
    ? { kind: "float", value: Number(raw.text) }
    : { kind: "integer", value: integerOf(raw.text) };
}

/** Python's `str()` of the value, which expressions, hashes and lists compare. */
export function pythonText(value: ContextValue): string {
  switch (value.kind) {
    case "string":
      return value.value;
    case "boolean":
      return value.value ? "True" : "False";
    case "integer":
      return String(value.value);
    case "float":
      return pythonFloatText(value.value);
  }
}

/**
 * Python's `str()` of a parsed JSON value, lists and objects included, as elements of an `IN` list are
 * read.
 */
export function pythonTextOfJson(value: unknown): string {
  return typeof value === "string" ? value : pythonRepr(value);
}

function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "string") return pythonStringRepr(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(", ")}]`;
  if (typeof value === "object" && !(value instanceof JsonNumber)) {
    const members = Object.entries(value).map(
      ([key, each]) => `${pythonStringRepr(key)}: ${pythonRepr(each)}`,
    );
    return `{${members.join(", ")}}`;
  }
  const scalar = value as number | boolean | JsonNumber;
  // Never null here: only null and undefined have no context value.
  return pythonText(toContextValue(scalar) as ContextValue);
}

/** Python's `repr()` of a string: quoted, its backslashes and what cannot be printed escaped. */
export function pythonStringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(unprintable, (character) => escapes.get(character) ?? hexEscape(character));
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

const unprintable = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const escapes: ReadonlyMap<string, string> = new Map([
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function hexEscape(character: string): string {
  const hex = (character.codePointAt(0) as number).toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, "0")}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** Orders two strings by code points, as Python does; JavaScript's `<` orders by UTF-16 units. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return a < 0xd800 || b < 0xd800 ? a - b : compareFrom(index, left, right);
  }
  return left.length - right.length;
}

/** Where units differ, one of them may be the second half of a pair, or a half without the other. */
function compareFrom(index: number, left: string, right: string): number {
  const start = isHighSurrogate(left.charCodeAt(index - 1)) ? index - 1 : index;
  const order = codePointAt(left, start) - codePointAt(right, start);
  return order === 0 ? codePointAt(left, index) - codePointAt(right, index) : order;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function codePointAt(text: string, index: number): number {
  return text.codePointAt(index) as number;
}
