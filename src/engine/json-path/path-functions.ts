/**
 * The functions that filters of JSONPaths may call: their types, which decide what compiles, and what they
 * do. None runs an expression that may backtrack.
 */
import { RE2JS } from "re2js";
import { toRe2 } from "./i-regexp.ts";
import { PathRaisedError } from "./path-errors.ts";
import { isPathList, isPathMap, NodeList, nothing, type Operand } from "./path-values.ts";

type ExpressionType = "value" | "nodes" | "logical";

export interface FunctionSignature {
  readonly arguments: readonly ExpressionType[];
  readonly returns: ExpressionType;
}

export type PathFunctionName = "length" | "count" | "value" | "match" | "search";

export const functionSignatures: ReadonlyMap<string, FunctionSignature> = new Map<
  PathFunctionName,
  FunctionSignature
>([
  ["length", { arguments: ["value"], returns: "value" }],
  ["count", { arguments: ["nodes"], returns: "value" }],
  ["value", { arguments: ["nodes"], returns: "value" }],
  ["match", { arguments: ["value", "value"], returns: "logical" }],
  ["search", { arguments: ["value", "value"], returns: "logical" }],
]);

/**
 * @param operands as many as the function takes
 * @throws PathRaisedError where the reference raises: a scalar that stands where nodes are counted
 */
export function callPathFunction(name: PathFunctionName, operands: readonly Operand[]): Operand {
  const [first = nothing, second = nothing] = operands;
  switch (name) {
    case "length":
      return lengthOf(firstValueOf(first));
    case "count":
      return countOf(first);
    case "value":
      return onlyValueOf(first);
    case "match":
    case "search":
      return isMatch(name, firstValueOf(first), firstValueOf(second));
  }
}

function firstValueOf(operand: Operand): Operand {
  if (!(operand instanceof NodeList)) return operand;
  const [value] = operand.values;
  return value === undefined ? nothing : value;
}

function lengthOf(value: Operand): Operand {
  if (typeof value === "string") return codePointsIn(value);
  if (value === nothing || value instanceof NodeList) return nothing;
  if (isPathMap(value)) return value.size;
  return isPathList(value) ? value.length : nothing;
}

/** The reference counts the characters where `@` is a string, and raises on any other scalar. */
function countOf(operand: Operand): number {
  if (operand instanceof NodeList) return operand.values.length;
  if (typeof operand === "string") return codePointsIn(operand);
  throw new PathRaisedError("not a list of nodes");
}

function onlyValueOf(operand: Operand): Operand {
  const count = countOf(operand);
  if (count !== 1) return nothing;
  if (!(operand instanceof NodeList)) throw new PathRaisedError("not a list of nodes");
  return firstValueOf(operand);
}

function isMatch(name: "match" | "search", text: Operand, pattern: Operand): boolean {
  if (typeof text !== "string" || typeof pattern !== "string") return false;
  const expression = toRe2(pattern);
  if (expression === null) return false;
  try {
    const compiled = RE2JS.compile(expression);
    return name === "match" ? compiled.matches(text) : compiled.matcher(text).find();
  } catch {
    // A range out of order and the like: the reference answers false, too.
    return false;
  }
}

function codePointsIn(text: string): number {
  return Array.from(text).length;
}
