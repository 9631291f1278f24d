/**
 * Segment operators: each compiles a condition's value once into a test of one looked-up value, with the
 * reference engine's casts (contract B 5.5). What the reference would raise on is "no match" (A13).
 */

import { type ContextValue, compareCodePoints, pythonText, pythonTextOfJson } from "./context-value.ts";
import { hashedPercentage } from "./hashing.ts";
import { readPythonList } from "./python-json.ts";
import { parsePythonFloat, parsePythonInteger } from "./python-numbers.ts";
import type { CompiledRegex } from "./regex/compile-regex.ts";
import { sharedRegex } from "./regex/shared-regex.ts";
import { compareSemanticVersions, parseSemanticVersion } from "./semantic-version.ts";

/** Tests a looked-up value; null is "not set". */
export type ValueTest = (value: ContextValue | null) => boolean;

/** What an operator is compiled from. */
export interface OperatorInput {
  /** The condition's value as parsed from the document; a list for `IN` alone. */
  readonly value: unknown;
  /** The segment's id as text, which percentage splits hash. */
  readonly segmentKey: string;
  /** Told when a regular expression is refused, so that the operator can learn of it. */
  readonly onRefusedRegex: (refusal: Extract<CompiledRegex, { kind: "refused" }>) => void;
}

type OperatorCompiler = (input: OperatorInput) => ValueTest;

const never: ValueTest = () => false;
const semverSuffix = ":semver";

const compilers: ReadonlyMap<string, OperatorCompiler> = new Map<string, OperatorCompiler>([
  ["EQUAL", comparison((order) => order === 0)],
  ["NOT_EQUAL", comparison((order) => order !== 0)],
  ["GREATER_THAN", comparison((order) => order > 0)],
  ["GREATER_THAN_INCLUSIVE", comparison((order) => order >= 0)],
  ["LESS_THAN", comparison((order) => order < 0)],
  ["LESS_THAN_INCLUSIVE", comparison((order) => order <= 0)],
  ["CONTAINS", contains],
  ["NOT_CONTAINS", notContains],
  ["IN", isIn],
  ["IS_SET", () => (value) => value !== null],
  ["IS_NOT_SET", () => (value) => value === null],
  ["REGEX", regex],
  ["MODULO", modulo],
  ["PERCENTAGE_SPLIT", percentageSplit],
]);

/** @returns the test, or null where the operator is unknown (such a condition never matches) */
export function compileOperator(operator: string, input: OperatorInput): ValueTest | null {
  return compilers.get(operator)?.(input) ?? null;
}

/** A condition's value as text. Null reads as empty (A13); numbers and lists as Python would print them. */
function textOf(value: unknown): string {
  return value === null || value === undefined ? "" : pythonTextOfJson(value);
}

/** @param accepts tells from a negative, zero or positive order; NaN stands for "not comparable" */
function comparison(accepts: (order: number) => boolean): OperatorCompiler {
  return ({ value: conditionValue }) => {
    const text = textOf(conditionValue);
    const asInteger = parsePythonInteger(text);
    const asFloat = parsePythonFloat(text);
    const asBoolean = Number(text !== "False" && text !== "false");
    const matchesString = text.endsWith(semverSuffix)
      ? semverComparison(text.slice(0, -semverSuffix.length), accepts)
      : (string: string) => accepts(compareCodePoints(string, text));
    return (value) => {
      switch (value?.kind) {
        case "string":
          return matchesString(value.value);
        case "integer":
          return asInteger !== null && accepts(order(value.value, asInteger));
        case "float":
          return asFloat !== null && accepts(order(value.value, asFloat));
        case "boolean":
          return accepts(Number(value.value) - asBoolean);
        default:
          return false;
      }
    };
  };
}

function order(left: number | bigint, right: number | bigint): number {
  if (left < right) return -1;
  if (left > right) return 1;
  return left === right ? 0 : Number.NaN;
}

function semverComparison(text: string, accepts: (order: number) => boolean): (value: string) => boolean {
  const expected = parseSemanticVersion(text);
  if (expected === null) return () => false;
  return (value) => {
    const version = parseSemanticVersion(value);
    return version !== null && accepts(compareSemanticVersions(version, expected));
  };
}

function contains({ value: conditionValue }: OperatorInput): ValueTest {
  const text = textOf(conditionValue);
  if (!text.endsWith(semverSuffix)) {
    const isIncluded = inclusion(text);
    return (value) => value?.kind === "string" && isIncluded(value.value);
  }
  // The reference looks among the parts of the version, so only a whole pre-release or build part is found.
  const part = text.slice(0, -semverSuffix.length);
  return (value) => {
    if (value?.kind !== "string") return false;
    const version = parseSemanticVersion(value.value);
    return version !== null && (version.prerelease === part || version.build === part);
  };
}

function notContains({ value: conditionValue }: OperatorInput): ValueTest {
  const isIncluded = inclusion(textOf(conditionValue));
  return (value) => value?.kind === "string" && !isIncluded(value.value);
}

/** Half a surrogate pair is a character of its own to Python: no part of a whole pair is it. */
function inclusion(text: string): (value: string) => boolean {
  return text.isWellFormed()
    ? (value) => value.includes(text)
    : (value) => !value.isWellFormed() && value.includes(text);
}

function isIn({ value: conditionValue }: OperatorInput): ValueTest {
  const members = inMembers(conditionValue);
  return (value) => {
    if (value?.kind === "string") return members.has(value.value);
    return value?.kind === "integer" && members.has(String(value.value));
  };
}

/**
 * A list, or a text that starts with `[` and is JSON, gives its elements; any other text is cut at commas.
 */
function inMembers(conditionValue: unknown): ReadonlySet<string> {
  if (Array.isArray(conditionValue)) return new Set(conditionValue.map(pythonTextOfJson));
  const text = textOf(conditionValue);
  // What is no JSON falls back to commas, brackets included.
  return new Set((text.startsWith("[") ? readPythonList(text) : null) ?? text.split(","));
}

function regex({ value: conditionValue, onRefusedRegex }: OperatorInput): ValueTest {
  const compiled = sharedRegex(textOf(conditionValue));
  if (compiled.kind === "refused") {
    onRefusedRegex(compiled);
    return never;
  }
  return (value) => value !== null && compiled.matches(pythonText(value));
}

/** `divisor|remainder`, floored as in Python: the result has the divisor's sign. */
function modulo({ value: conditionValue }: OperatorInput): ValueTest {
  const parts = textOf(conditionValue).split("|");
  const divisor = parsePythonFloat(parts[0] ?? "");
  const remainder = parsePythonFloat(parts[1] ?? "");
  if (parts.length !== 2 || divisor === null || remainder === null || divisor === 0) return never;
  return (value) => {
    if (value === null || value.kind === "string") return false;
    const dividend = Number(value.value);
    // Python refuses to make a float of an integer this large; a float that is infinite gives NaN below.
    if (value.kind === "integer" && !Number.isFinite(dividend)) return false;
    const rest = dividend % divisor;
    const floored = rest !== 0 && rest < 0 !== divisor < 0 ? rest + divisor : rest;
    return floored === remainder;
  };
}

function percentageSplit({ value: conditionValue, segmentKey }: OperatorInput): ValueTest {
  const percentage = parsePythonFloat(textOf(conditionValue));
  if (percentage === null) return never;
  const head = `${segmentKey},`;
  return (value) => value !== null && hashedPercentage(head, pythonText(value)) <= percentage;
}
