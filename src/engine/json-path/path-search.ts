/**
 * Searches a value for what a JSONPath leads to: values come lazily, in the order of the reference, which is
 * that of the document. Filters are evaluated here, since their queries search, too.
 */
import { compare, isTruthy } from "./path-comparison.ts";
import { PathRaisedError, PathTooDeepError } from "./path-errors.ts";
import { callPathFunction } from "./path-functions.ts";
import type { Expression, PathQuery, PathSegment, Selector } from "./path-syntax.ts";
import { isPathList, isPathMap, NodeList, nothing, type Operand, type PathValue } from "./path-values.ts";

/** Deeper values than this are not searched: the reference's limit. */
const depthMax = 100;

/**
 * @param from where the path starts
 * @param root what `$` stands for inside filters
 * @returns the values found, in order
 * @throws PathRaisedError, PathTooDeepError, while the values are read
 */
export function findAll(query: PathQuery, from: PathValue, root: PathValue): Iterable<PathValue> {
  return query.reduce<Iterable<PathValue>>((found, segment) => resolve(segment, found, root), [from]);
}

function* resolve(
  { descends, selectors }: PathSegment,
  found: Iterable<PathValue>,
  root: PathValue,
): Iterable<PathValue> {
  for (const each of found) {
    for (const value of descends ? withDescendants(each, 1) : [each]) {
      for (const selector of selectors) yield* select(selector, value, root);
    }
  }
}

function* withDescendants(value: PathValue, depth: number): Iterable<PathValue> {
  if (depth > depthMax) throw new PathTooDeepError("too deep");
  yield value;
  for (const child of childrenOf(value)) {
    if (isPathMap(child) || isPathList(child)) yield* withDescendants(child, depth + 1);
  }
}

function* select(selector: Selector, value: PathValue, root: PathValue): Iterable<PathValue> {
  switch (selector.kind) {
    case "name": {
      const child = isPathMap(value) ? value.get(selector.name) : undefined;
      if (child !== undefined) yield child;
      return;
    }
    case "index": {
      const child = isPathList(value) ? value.at(selector.index) : undefined;
      if (child !== undefined) yield child;
      return;
    }
    case "wild":
      yield* childrenOf(value);
      return;
    case "slice":
      if (isPathList(value)) yield* sliceOf(value, selector);
      return;
    case "filter":
      for (const child of childrenOf(value)) if (holds(selector.expression, child, root)) yield child;
  }
}

function childrenOf(value: PathValue): Iterable<PathValue> {
  if (isPathMap(value)) return value.values();
  return isPathList(value) ? value : [];
}

/** Python's `list[start:stop:step]`. */
function* sliceOf(
  list: readonly PathValue[],
  { start, stop, step: givenStep }: Extract<Selector, { kind: "slice" }>,
): Iterable<PathValue> {
  const step = givenStep ?? 1;
  if (step === 0) return;
  const [lowest, highest] = step > 0 ? [0, list.length] : [-1, list.length - 1];
  const clamp = (index: number) =>
    Math.min(Math.max(index < 0 ? index + list.length : index, lowest), highest);
  const from = start === null ? (step > 0 ? lowest : highest) : clamp(start);
  const to = stop === null ? (step > 0 ? highest : lowest) : clamp(stop);
  for (let index = from; step > 0 ? index < to : index > to; index += step) yield list[index] as PathValue;
}

function holds(expression: Expression, current: PathValue, root: PathValue): boolean {
  return isTruthy(evaluate(expression, current, root));
}

function evaluate(expression: Expression, current: PathValue, root: PathValue): Operand {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "query":
      return evaluateQuery(expression, current, root);
    case "not":
      return !holds(expression.right, current, root);
    case "and":
    case "or": {
      // Both sides are looked at, as the reference does, so that either may raise.
      const left = holds(expression.left, current, root);
      const right = holds(expression.right, current, root);
      return expression.kind === "and" ? left && right : left || right;
    }
    case "comparison": {
      const left = singleValueOf(evaluate(expression.left, current, root));
      const right = singleValueOf(evaluate(expression.right, current, root));
      return compare(left, expression.operator, right);
    }
    case "function": {
      const values = expression.arguments.map((each) => evaluate(each, current, root));
      return callPathFunction(expression.name, values);
    }
  }
}

/** `@` alone on a scalar is that scalar, not a list of one: the filter then asks whether it is truthy. */
function evaluateQuery(
  { start, query }: Extract<Expression, { kind: "query" }>,
  current: PathValue,
  root: PathValue,
): Operand {
  if (start === "root") return new NodeList([...findAll(query, root, root)]);
  if (!isPathMap(current) && !isPathList(current)) return query.length === 0 ? current : new NodeList([]);
  // NOTE: inside the filters of such a query, `$` is the query's own start, as the reference has it.
  return new NodeList([...findAll(query, current, current)]);
}

/** The one value of a list; a list of none is "nothing". */
function singleValueOf(operand: Operand): PathValue | typeof nothing {
  if (!(operand instanceof NodeList)) return operand;
  const [value, ...more] = operand.values;
  if (more.length > 0) throw new PathRaisedError("only queries for one place are compared");
  return value === undefined ? nothing : value;
}
