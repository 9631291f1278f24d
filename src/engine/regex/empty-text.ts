// Decides whether a pattern matches the empty text, in which Python (before 3.14) has no `\B` and the
// engines have.

import type { RegexNode } from "./regex-node.ts";

/** Whether `node` matches the empty text. */
export function matchesEmptyText(node: RegexNode): boolean {
  switch (node.kind) {
    case "set":
      return false;
    case "sequence":
      return node.items.every(matchesEmptyText);
    case "choice":
      return node.options.some(matchesEmptyText);
    case "repeat":
      return node.min === 0 || matchesEmptyText(node.body);
    case "assertion":
      return node.assertion !== "boundary" && node.assertion !== "notBoundary";
    case "look":
      // A look-behind of no width looks at the same empty text, a wider one finds nothing.
      return matchesEmptyText(node.body) !== node.negative;
  }
}
