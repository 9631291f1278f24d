/**
 * Readers of single settings: from what JSON or a variable holds to a value, or to a fault and its remedy.
 * They must never repeat text they read: it may be a key or a secret in the wrong place.
 */
import { z } from "zod";

/** What a reader makes of a raw value; the remedy is a whole sentence. */
export type Reading<T> = { readonly value: T } | { readonly fault: string; readonly remedy: string };

/**
 * A zod schema of one setting. A fault becomes a zod issue whose message is the fault and whose
 * `params.remedy` is the remedy.
 *
 * @param read turns any JSON value, or `undefined` where the setting is absent, into a value or a fault
 */
export function setting<T>(read: (raw: unknown) => Reading<T>) {
  return z.unknown().transform((raw, context): T => {
    const reading = read(raw);
    if ("value" in reading) return reading.value;
    context.addIssue({ code: "custom", message: reading.fault, params: { remedy: reading.remedy } });
    return z.NEVER;
  });
}

/**
 * Names the kind of a value in words, for faults; never the value: a number may be a key without its quotes.
 */
export function describeValue(raw: unknown): string {
  if (raw === undefined) return "nothing";
  if (raw === "") return "empty text";
  if (typeof raw === "string") return "text";
  if (typeof raw === "number") return "a number";
  if (Array.isArray(raw)) return "a list";
  if (typeof raw === "object" && raw !== null) return "an object";
  return String(raw);
}

/** The limits and the default of a number. */
interface NumberRule<Default extends number | null> {
  readonly default: Default;
  /** The least value allowed. Without it the number must be above 0. */
  readonly min?: number;
  readonly max: number;
  readonly whole?: boolean;
}

/**
 * A number. As pydantic's lax mode does (contract B 3.2), it takes a number written as text; unlike it, no
 * booleans. A rule whose default is null accepts null, and the word `null` of a variable.
 */
export function number<Default extends number | null>(rule: NumberRule<Default>, nullable = false) {
  const range = rule.min === undefined ? `above 0, up to ${rule.max}` : `from ${rule.min} to ${rule.max}`;
  const kind = rule.whole === true ? "a whole number" : "a number";
  const wanted = `${kind} ${range}${nullable ? ", or null" : ""}`;
  const remedy = `Set ${wanted}, or remove the setting to get ${rule.default}.`;
  return setting<number | (null extends Default ? null : never)>((raw) => {
    type Value = number | (null extends Default ? null : never);
    if (nullable && (raw === null || raw === "null")) return { value: null as Value };
    const value = typeof raw === "string" ? numberOfText(raw) : raw;
    if (typeof value === "number" && isWithin(value, rule)) return { value };
    return { fault: `expected ${wanted}, found ${describeNumber(raw, value)}`, remedy };
  }).prefault(rule.default);
}

/** The forms that pydantic reads too: signs, fractions, exponents, underscores, blanks around. */
function numberOfText(text: string): number | undefined {
  const bare = text.trim().replace(/(?<=\d)_(?=\d)/g, "");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(bare) ? Number(bare) : undefined;
}

function isWithin(value: number, rule: NumberRule<number | null>): boolean {
  if (rule.whole === true && !Number.isInteger(value)) return false;
  return (rule.min === undefined ? value > 0 : value >= rule.min) && value <= rule.max;
}

function describeNumber(raw: unknown, value: unknown): string {
  if (typeof raw === "number") return String(raw);
  if (typeof raw !== "string" || raw === "") return describeValue(raw);
  return typeof value === "number" ? "text with another number" : "text that is no number";
}

const trueWords = new Set(["1", "true", "t", "yes", "y", "on"]);
const falseWords = new Set(["0", "false", "f", "no", "n", "off"]);

/** A boolean, or one of the words and numbers that pydantic's lax mode takes for one (contract B 3.2). */
export function boolean(defaultValue: boolean) {
  const remedy = `Set true or false, or remove the setting to get ${defaultValue}.`;
  return setting<boolean>((raw) => {
    const word = typeof raw === "object" ? "" : String(raw).toLowerCase();
    if (trueWords.has(word)) return { value: true };
    if (falseWords.has(word)) return { value: false };
    return { fault: `expected true or false, found ${describeValue(raw)}`, remedy };
  }).prefault(defaultValue);
}

/**
 * One word of a closed set, in any case of letters.
 *
 * @param words maps each accepted word, in lower case, to the value it stands for
 */
export function choice<T extends string>(words: Readonly<Record<string, T>>, defaultValue: T) {
  const known = new Map(Object.entries(words));
  const wanted = [...new Set(known.values())].join(", ");
  return setting<T>((raw) => {
    const value = typeof raw === "string" ? known.get(raw.trim().toLowerCase()) : undefined;
    if (value !== undefined) return { value };
    const found = typeof raw === "string" && raw !== "" ? "another word" : describeValue(raw);
    return {
      fault: `expected one of ${wanted}, found ${found}`,
      remedy: `Set one of these, or remove the setting to get ${defaultValue}.`,
    };
  }).prefault(defaultValue);
}

/** The rule of a text setting. */
interface TextRule {
  /** What the text is, as in "expected a host name". */
  readonly wanted: string;
  /** The form the text must have after blanks around it are cut. */
  readonly pattern: RegExp;
  readonly remedy: string;
}

/** Text of a form, without the blanks around it. */
export function readText(rule: TextRule): (raw: unknown) => Reading<string> {
  return (raw) => {
    const text = typeof raw === "string" ? raw.trim() : undefined;
    if (text !== undefined && rule.pattern.test(text)) return { value: text };
    const found = text === undefined || text === "" ? describeValue(text ?? raw) : "text of another form";
    return { fault: `expected ${rule.wanted}, found ${found}`, remedy: rule.remedy };
  };
}

/** As `readText`, or null. */
export function readTextOrNull(rule: TextRule): (raw: unknown) => Reading<string | null> {
  const read = readText(rule);
  return (raw) => (raw === null ? { value: null } : read(raw));
}

const workersMax = 256;

/** How many processes serve: a number, or the word `auto` for one to each CPU that this process may use. */
export function readWorkers(raw: unknown): Reading<number | "auto"> {
  const value = typeof raw === "string" ? numberOfText(raw) : raw;
  if (typeof value === "number" && isWithin(value, { default: 1, min: 1, max: workersMax, whole: true })) {
    return { value };
  }
  if (typeof raw === "string" && raw.trim().toLowerCase() === "auto") return { value: "auto" };
  const wanted = `a whole number from 1 to ${workersMax}, or auto`;
  const remedy = `Set ${wanted}, or remove the setting to get 1.`;
  return { fault: `expected ${wanted}, found ${describeNumber(raw, value)}`, remedy };
}
