/** What JSONPaths search, and what the parts of their filters stand for. It holds no rules of its own. */
import type { JsonScalar } from "../../models/json.ts";

/** What paths search. Maps, not objects: those would put integer names first. */
export type PathValue = JsonScalar | readonly PathValue[] | ReadonlyMap<string, PathValue>;

/** What a function or a query for one place gives where it has no answer; it is not null. */
export const nothing = Symbol("nothing");

/** All values that a query found. */
export class NodeList {
  readonly values: readonly PathValue[];

  constructor(values: readonly PathValue[]) {
    this.values = values;
  }
}

export type Operand = PathValue | NodeList | typeof nothing;

export function isPathMap(value: PathValue): value is ReadonlyMap<string, PathValue> {
  return value instanceof Map;
}

export function isPathList(value: PathValue): value is readonly PathValue[] {
  return Array.isArray(value);
}
