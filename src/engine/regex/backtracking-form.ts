// Gives a tree the form in which its backtracking is analysed: assertions and look-arounds, which only cut
// paths off, are left out, and counted repeats become loops, which have every path that the counted ones
// have. What backtracks little in this form backtracks no more in the original. It analyses nothing.

import { choiceNode, type RegexNode, repeatNode, sequenceNode } from "./regex-node.ts";

/** An exact repeat is kept if it stays below this many positions: a loop is too coarse for `\d{4}\d{2}`. */
const keptPositionsMax = 50;

/**
 * The analysed form of `node`. JavaScript matches a look-behind from its end, but what the analysis looks
 * for, two ways to read one text, is the same in both directions.
 */
export function backtrackingForm(node: RegexNode): RegexNode {
  switch (node.kind) {
    case "set":
      return node;
    case "assertion":
    case "look":
      return sequenceNode([]);
    case "sequence":
      return sequenceNode(node.items.map(backtrackingForm));
    case "choice":
      return choiceNode(node.options.map(backtrackingForm));
    case "repeat":
      return repeatForm(backtrackingForm(node.body), node.min, node.max);
  }
}

function repeatForm(body: RegexNode, min: number, max: number): RegexNode {
  if (body.maxWidth === 0 || max === 0) {
    return sequenceNode([]);
  }
  const isOptional = min === 0 && max === 1;
  const isKept = min === max && waysThrough(body) === 1 && body.positions * max <= keptPositionsMax;
  if (isOptional || isKept) {
    return repeatNode(body, min, max);
  }
  // Rounds that must be made may read nothing, each of them: a loop has no such paths.
  const isUnbounded = body.minWidth === 0 && min > 1;
  return repeatNode(body, isUnbounded ? Infinity : Math.min(min, 1), Infinity);
}

/**
 * A bound on the ways through the choices of a tree in analysed form, where each loop counts as one more
 * choice: the analysis bounds growth with the text, this bounds the constant.
 */
export function waysThrough(node: RegexNode): number {
  switch (node.kind) {
    case "sequence":
      return node.items.reduce((ways, item) => ways * waysThrough(item), 1);
    case "choice":
      return node.options.reduce((ways, option) => ways + waysThrough(option), 0);
    case "repeat":
      if (node.min === Infinity) {
        return Infinity;
      }
      return node.min === node.max ? waysThrough(node.body) ** node.max : 1 + waysThrough(node.body);
    default:
      return 1;
  }
}

/** Whether a backtracking engine may come back to what follows `node` more than a bounded number of times. */
export function hasLoop(node: RegexNode): boolean {
  switch (node.kind) {
    case "sequence":
      return node.items.some(hasLoop);
    case "choice":
      return node.options.some(hasLoop);
    case "repeat":
      return node.max === Infinity || hasLoop(node.body);
    default:
      return false;
  }
}
