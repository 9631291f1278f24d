/**
 * Truth, equality and order in the filters of JSONPaths, which are Python's in the reference: zero and the
 * empty string do not hold, and `true` is more than 0. It evaluates no expressions.
 */
import { JsonNumber } from "../../models/json.ts";
import { compareCodePoints, toContextValue } from "../context-value.ts";
import type { ComparisonOperator } from "./path-syntax.ts";
import { isPathList, isPathMap, NodeList, nothing, type Operand, type PathValue } from "./path-values.ts";

/** Whether a filter lets a value through for this. What was not found does not hold, and null does. */
export function isTruthy(operand: Operand): boolean {
  if (operand instanceof NodeList) return operand.values.length > 0;
  if (operand === nothing) return false;
  if (operand === null) return true;
  if (isPathMap(operand)) return operand.size > 0;
  if (isPathList(operand)) return operand.length > 0;
  return operand instanceof JsonNumber ? numberOf(operand) !== 0 : Boolean(operand);
}

export function compare(
  left: PathValue | typeof nothing,
  operator: ComparisonOperator,
  right: PathValue | typeof nothing,
): boolean {
  switch (operator) {
    case "==":
      return isSame(left, right);
    case "!=":
      return !isSame(left, right);
    case "<":
      return isLess(left, right);
    case ">":
      return isLess(right, left);
    case "<=":
      return isLess(left, right) || isSame(left, right);
    case ">=":
      return isLess(right, left) || isSame(left, right);
  }
}

function isSame(left: PathValue | typeof nothing, right: PathValue | typeof nothing): boolean {
  if (left === nothing || right === nothing) return left === right;
  if (typeof left === "boolean" || typeof right === "boolean") return left === right;
  return isEqual(left, right);
}

/** Python's `==`: inside lists and maps, and there alone, `true` equals 1. */
function isEqual(left: PathValue, right: PathValue): boolean {
  const [a, b] = [numberOf(left), numberOf(right)];
  // biome-ignore lint/suspicious/noDoubleEquals: between a bigint and a number it compares the exact values
  if (a !== null && b !== null) return a == b;
  if (isPathList(left)) {
    if (!isPathList(right) || left.length !== right.length) return false;
    return left.every((each, index) => isEqual(each, right[index] as PathValue));
  }
  if (!isPathMap(left)) return left === right;
  if (!isPathMap(right) || left.size !== right.size) return false;
  return [...left].every(([key, each]) => {
    const other = right.get(key);
    return other !== undefined && isEqual(each, other);
  });
}

function isLess(left: PathValue | typeof nothing, right: PathValue | typeof nothing): boolean {
  if (left === nothing || right === nothing) return false;
  if (typeof left === "string" && typeof right === "string") return compareCodePoints(left, right) < 0;
  const [a, b] = [numberOf(left), numberOf(right)];
  return a !== null && b !== null && a < b;
}

/** The value as a number; booleans are 0 and 1, what is no number is null. */
function numberOf(value: PathValue): number | bigint | null {
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "number" && !(value instanceof JsonNumber)) return null;
  const number = toContextValue(value);
  return number?.kind === "integer" || number?.kind === "float" ? number.value : null;
}
