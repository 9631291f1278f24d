// Compiles a pattern of Python's `re` so that it matches as `re.match` does, in linear time, or refuses it.
// It must never throw and never run a pattern on a backtracking engine unproved.

import { RE2JS } from "re2js";
import { matchesEmptyText } from "./empty-text.ts";
import { whyNotLinear } from "./linear-proof.ts";
import { RefusedPatternError, type RegexRefusal } from "./pattern-error.ts";
import { parsePattern } from "./pattern-parser.ts";
import { writePattern } from "./pattern-writer.ts";
import {
  javascriptTextCharactersMax,
  patternCodePointsMax,
  re2RepeatCountMax,
  re2UnrolledPositionsMax,
} from "./regex-limits.ts";
import { type AssertionKind, nodesOf, type RegexNode } from "./regex-node.ts";
import { type TextAlphabet, textAlphabet } from "./text-alphabet.ts";
import { wordSet } from "./unicode-sets.ts";

export type { RegexRefusal } from "./pattern-error.ts";

/**
 * A pattern ready to match, or the reason why there is none.
 * - `invalid`: Python would raise.
 * - `unsupported`: valid, but a back-reference, possessive quantifier, atomic group, conditional group,
 *   character name, or beyond a limit of length or nesting.
 * - `unproven`: it needs the JavaScript engine (look-around, large counts), and linear time is not proved
 *   there.
 */
export type CompiledRegex =
  | { readonly kind: "compiled"; readonly engine: "re2" | "javascript"; matches(text: string): boolean }
  | { readonly kind: "refused"; readonly refusal: RegexRefusal; readonly detail: string };

/**
 * Compiles a pattern to what `re.compile(pattern).match(text) is not None` says in Python 3.11 (contract
 * A13, B 5.5). Never throws. On the JavaScript engine, text of more than 2,000 characters does not match.
 */
export function compileRegex(pattern: string): CompiledRegex {
  try {
    return compile(pattern);
  } catch (error) {
    if (error instanceof RefusedPatternError) {
      return { kind: "refused", refusal: error.refusal, detail: error.message };
    }
    // NOTE: an engine that fails on a pattern it was expected to take must not fail the document.
    return { kind: "refused", refusal: "unsupported", detail: String(error) };
  }
}

function compile(pattern: string): CompiledRegex {
  const codePoints = Array.from(pattern);
  if (codePoints.length > patternCodePointsMax) {
    throw new RefusedPatternError("unsupported", `longer than ${patternCodePointsMax} characters`);
  }
  const node = parsePattern(codePoints);
  const nodes = [...nodesOf(node)];
  const search = compileRe2(node, nodes, codePoints.length) ?? compileJavascript(node, nodes);
  // Python 3.11 has no `\B` in the empty text, the engines have.
  const matchesEmpty = matchesEmptyText(node);
  return {
    kind: "compiled",
    engine: search.engine,
    matches: (text) => (text === "" ? matchesEmpty : search.matches(text)),
  };
}

type Search = { readonly engine: "re2" | "javascript"; matches(text: string): boolean };

/** Null if RE2 cannot express the pattern, or could only at too high a cost. */
function compileRe2(node: RegexNode, nodes: readonly RegexNode[], patternLength: number): Search | null {
  const alphabet = re2Alphabet(nodes);
  const isTooLarge = node.positions - patternLength > re2UnrolledPositionsMax;
  if (alphabet === null || isTooLarge || repeatProduct(node) > re2RepeatCountMax) {
    return null;
  }
  // NOTE: `test` with a leading \A was measured four times as fast as `matcher(…).lookingAt()`, which wants
  // groups.
  const regex = RE2JS.compile(writePattern(node, alphabet, "re2"));
  return { engine: "re2", matches: (text) => regex.test(alphabet.encode(text)) };
}

/**
 * Null if RE2 lacks a construct: look-around, `$` with MULTILINE and without in one pattern, two kinds of
 * `\b`.
 */
function re2Alphabet(nodes: readonly RegexNode[]): TextAlphabet | null {
  const kinds = new Set<AssertionKind>();
  const boundaries = new Set<boolean>();
  for (const node of nodes) {
    if (node.kind === "look") {
      return null;
    }
    if (node.kind === "assertion") {
      kinds.add(node.assertion);
      if (isBoundary(node.assertion)) {
        boundaries.add(node.ascii);
      }
    }
  }
  const hidesInnerNewlines = kinds.has("finalEnd");
  if (boundaries.size > 1 || (hidesInnerNewlines && (kinds.has("lineStart") || kinds.has("lineEnd")))) {
    return null;
  }
  const [ascii] = boundaries;
  return textAlphabet(setsOf(nodes), {
    words: ascii === undefined ? null : wordSet(ascii),
    hidesInnerNewlines,
  });
}

function compileJavascript(node: RegexNode, nodes: readonly RegexNode[]): Search {
  const reason = whyNotLinear(node);
  if (reason !== null) {
    throw new RefusedPatternError("unproven", reason);
  }
  const words = nodes.flatMap((inner) =>
    inner.kind === "assertion" && isBoundary(inner.assertion) ? [wordSet(inner.ascii)] : [],
  );
  const alphabet = textAlphabet([...setsOf(nodes), ...words], { words: null, hidesInnerNewlines: false })!;
  const regex = new RegExp(writePattern(node, alphabet, "javascript"));
  // V8 compiles at the first run: a pattern too large for it must be found out here.
  regex.test("");
  return {
    engine: "javascript",
    matches: (text) => {
      // Characters take two units at most, and one each once they are symbols.
      if (text.length > 2 * javascriptTextCharactersMax) return false;
      const symbols = alphabet.encode(text);
      return symbols.length <= javascriptTextCharactersMax && regex.test(symbols);
    },
  };
}

function isBoundary(kind: AssertionKind): boolean {
  return kind === "boundary" || kind === "notBoundary";
}

function setsOf(nodes: readonly RegexNode[]) {
  return nodes.flatMap((node) => (node.kind === "set" ? [node.set] : []));
}

/** The largest product of nested counts, which is what RE2 limits. */
function repeatProduct(node: RegexNode): number {
  switch (node.kind) {
    case "sequence":
      return Math.max(1, ...node.items.map(repeatProduct));
    case "choice":
      return Math.max(1, ...node.options.map(repeatProduct));
    case "repeat":
      return repeatProduct(node.body) * Math.max(1, node.max === Infinity ? node.min : node.max);
    default:
      return 1;
  }
}
