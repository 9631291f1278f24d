/**
 * JSON that keeps the text of its numbers: `1.0` stays `1.0`, and integers beyond 2^53 keep every digit
 * (contract A4, A5). It must not know what the values mean.
 */

declare global {
  interface JSON {
    /** Text that `JSON.stringify` writes as it is; TypeScript does not know it yet. */
    rawJSON(text: string): object;
  }
}

/** A JSON number whose text a JavaScript number would change, such as `1.0`, `1e3` or 30 digits. */
export class JsonNumber {
  readonly text: string;

  /** @param text the number as it stands in the JSON text */
  constructor(text: string) {
    this.text = text;
  }

  /** `JSON.stringify` writes the kept text. */
  toJSON(): object {
    return JSON.rawJSON(this.text);
  }
}

/** What a flag value or a trait value may be. A `number` is one whose `String()` is its JSON text. */
export type JsonScalar = string | number | boolean | null | JsonNumber;

/**
 * Whether a text may hold a number that JavaScript would print otherwise: many digits, an exponent, a
 * trailing zero after the point, many leading ones, a negative zero. It looks only where a number may
 * begin, and may be wrong towards true (in strings that look like JSON).
 */
const needsNumberText =
  /(?:^|[[:,\s])-?(?:[\d.]{16}|\d[\d.]*[eE]|\d+\.\d*0(?!\d)|\d+\.0{5}|0(?<=-0)(?![.\d]))/;

/**
 * Parses JSON text. Costs what `JSON.parse` costs unless the text may hold a number that would not survive
 * it.
 *
 * @returns the value; numbers are a JavaScript number where that keeps their text, else a `JsonNumber`
 * @throws SyntaxError where the text is not JSON; RangeError where it is nested too deeply for the stack
 */
export function parseJson(text: string): unknown {
  return needsNumberText.test(text) ? JSON.parse(text, keepNumberText) : JSON.parse(text);
}

function keepNumberText(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number") return value;
  const source = context?.source;
  if (source === undefined || isExact(value, source)) return value;
  return new JsonNumber(source);
}

function isExact(value: number, source: string): boolean {
  return String(value) === source && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

/** The JSON text of a scalar, number text kept. */
export function scalarText(value: JsonScalar): string {
  if (typeof value === "string") return stringText(value);
  return value instanceof JsonNumber ? value.text : String(value);
}

/** What `JSON.stringify` escapes: all but these characters. Half a surrogate pair is not among them. */
const escaped = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/** The JSON text of a string, as `JSON.stringify` writes it: looking first costs half as much. */
export function stringText(text: string): string {
  return escaped.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Whether a parsed value is a scalar: not an object, not a list, not absent. */
export function isScalar(value: unknown): value is JsonScalar {
  return value === null || value instanceof JsonNumber || (typeof value !== "object" && value !== undefined);
}

/** Whether a parsed value is a JSON object, so that its members may be read. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
  );
}
