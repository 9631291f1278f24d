/** What a JSONPath is made of, once it is parsed. It neither parses nor searches. */
import type { PathFunctionName } from "./path-functions.ts";

export type Selector =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "wild" }
  | {
      readonly kind: "slice";
      readonly start: number | null;
      readonly stop: number | null;
      readonly step: number | null;
    }
  | { readonly kind: "filter"; readonly expression: Expression };

export interface PathSegment {
  /** Whether it looks at all descendants, not at the children alone. */
  readonly descends: boolean;
  readonly selectors: readonly Selector[];
}

export type PathQuery = readonly PathSegment[];

export type ComparisonOperator = "==" | "!=" | "<" | "<=" | ">" | ">=";

export type Expression =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "query"; readonly start: "current" | "root"; readonly query: PathQuery }
  | { readonly kind: "not"; readonly right: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: "comparison";
      readonly operator: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "function"; readonly name: PathFunctionName; readonly arguments: readonly Expression[] };

/** Whether a path can lead to one place alone: names and positions only. */
export function isSingular(query: PathQuery): boolean {
  return query.every(
    ({ descends, selectors: [first, ...more] }) =>
      !descends && more.length === 0 && (first?.kind === "name" || first?.kind === "index"),
  );
}
