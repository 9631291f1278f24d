// The syntax tree of a pattern: flags, names and laziness are already resolved away, since only "does it
// match" is asked. It holds types and constructors; it parses and emits nothing.

import type { CodePointSet } from "./code-point-set.ts";

/** What every node knows of itself. Widths are in characters, as Python's `getwidth` counts them. */
type Measures = {
  readonly minWidth: number;
  readonly maxWidth: number;
  /** Character sets and assertions once counted repeats are unrolled; at least 1. */
  readonly positions: number;
};

/**
 * `end` is `\Z`; `finalEnd` is `$` (at the end, and before a final newline); the `line` ones are `^` and
 * `$` with MULTILINE.
 */
export type AssertionKind =
  | "start"
  | "end"
  | "finalEnd"
  | "lineStart"
  | "lineEnd"
  | "boundary"
  | "notBoundary";

/** One character of a set. */
export type SetNode = Measures & { readonly kind: "set"; readonly set: CodePointSet };
/** One after another; no item is the empty pattern. */
export type SequenceNode = Measures & { readonly kind: "sequence"; readonly items: readonly RegexNode[] };
/** Any of these. */
export type ChoiceNode = Measures & { readonly kind: "choice"; readonly options: readonly RegexNode[] };
/** `max` is Infinity where there is none. */
export type RepeatNode = Measures & {
  readonly kind: "repeat";
  readonly body: RegexNode;
  readonly min: number;
  readonly max: number;
};
/** A place in the text; `ascii` says which word characters a boundary goes by. */
export type AssertionNode = Measures & {
  readonly kind: "assertion";
  readonly assertion: AssertionKind;
  readonly ascii: boolean;
};
/** A look-ahead or look-behind. */
export type LookNode = Measures & {
  readonly kind: "look";
  readonly ahead: boolean;
  readonly negative: boolean;
  readonly body: RegexNode;
};

/** Any node. */
export type RegexNode = SetNode | SequenceNode | ChoiceNode | RepeatNode | AssertionNode | LookNode;

/** One character of `set`. */
export function setNode(set: CodePointSet): SetNode {
  return { kind: "set", set, minWidth: 1, maxWidth: 1, positions: 1 };
}

/** `items` one after another. */
export function sequenceNode(items: readonly RegexNode[]): RegexNode {
  if (items.length === 1) {
    return items[0]!;
  }
  return {
    kind: "sequence",
    items,
    minWidth: sum(items.map((item) => item.minWidth)),
    maxWidth: sum(items.map((item) => item.maxWidth)),
    positions: Math.max(1, sum(items.map((item) => item.positions))),
  };
}

/** Any of `options`, of which there is at least one. */
export function choiceNode(options: readonly RegexNode[]): RegexNode {
  if (options.length === 1) {
    return options[0]!;
  }
  return {
    kind: "choice",
    options,
    minWidth: options.reduce((least, option) => Math.min(least, option.minWidth), Infinity),
    maxWidth: options.reduce((most, option) => Math.max(most, option.maxWidth), 0),
    positions: sum(options.map((option) => option.positions)),
  };
}

/** `body` at least `min` and at most `max` times. */
export function repeatNode(body: RegexNode, min: number, max: number): RepeatNode {
  const copies = max === Infinity ? Math.max(1, min) : Math.max(1, max);
  return {
    kind: "repeat",
    body,
    min,
    max,
    minWidth: product(body.minWidth, min),
    maxWidth: product(body.maxWidth, max),
    positions: body.positions * copies,
  };
}

/** A place in the text. */
export function assertionNode(assertion: AssertionKind, ascii: boolean): AssertionNode {
  return { kind: "assertion", assertion, ascii, minWidth: 0, maxWidth: 0, positions: 1 };
}

/** A look-ahead or look-behind. */
export function lookNode(ahead: boolean, negative: boolean, body: RegexNode): LookNode {
  return { kind: "look", ahead, negative, body, minWidth: 0, maxWidth: 0, positions: 1 + body.positions };
}

function childrenOf(node: RegexNode): readonly RegexNode[] {
  switch (node.kind) {
    case "sequence":
      return node.items;
    case "choice":
      return node.options;
    case "repeat":
    case "look":
      return [node.body];
    default:
      return [];
  }
}

/** Every node of the tree, `node` first. */
export function* nodesOf(node: RegexNode): Generator<RegexNode> {
  const pending = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    pending.push(...childrenOf(next));
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Zero times infinity is zero here. */
function product(width: number, count: number): number {
  return width === 0 || count === 0 ? 0 : width * count;
}
