// Parses the syntax of Python 3.11's `re` (`_parse_sub` and `_parse` of `re._parser`) into a tree. It must
// accept and refuse exactly what Python does; what is valid but not linear is noted in the state, and
// refused by the caller.

import { anySet, literalSet } from "./character-class.ts";
import { readClass } from "./pattern-class-reader.ts";
import { invalid, RefusedPatternError } from "./pattern-error.ts";
import { readEscape } from "./pattern-escape.ts";
import type { RegexFlags } from "./pattern-flags.ts";
import { type GroupReader, readGroup } from "./pattern-group-reader.ts";
import { type Quantifier, readQuantifier } from "./pattern-quantifier.ts";
import { PatternSource } from "./pattern-source.ts";
import { PatternState } from "./pattern-state.ts";
import { nestingLevelsMax } from "./regex-limits.ts";
import {
  type AssertionKind,
  assertionNode,
  choiceNode,
  nodesOf,
  type RegexNode,
  repeatNode,
  sequenceNode,
  setNode,
} from "./regex-node.ts";
import { categorySet } from "./unicode-sets.ts";

/** What Python looks at to decide whether a quantifier may follow. */
type LastItem = "none" | "assertion" | "repeat" | "other";

/** `MAXCODE` of Python: a wider look-behind "looks too much behind". */
const lookbehindWidthMax = 0xffff_ffff;
const verboseSpaces = " \t\n\r\v\f";

/**
 * The tree of a pattern given as its code points. Throws RefusedPatternError: `invalid` where Python raises,
 * `unsupported` for what is valid but cannot run in linear time, and for too deep nesting.
 */
export function parsePattern(codePoints: readonly string[]): RegexNode {
  const source = new PatternSource(codePoints);
  const state = new PatternState();
  const node = readAlternatives(source, state, state.globalFlags, 0);
  if (source.next !== null) {
    throw invalid("unbalanced parenthesis");
  }
  state.checkAtEnd();
  checkLookbehinds(node);
  if (state.unsupported !== null) {
    throw new RefusedPatternError("unsupported", state.unsupported);
  }
  return node;
}

function readAlternatives(
  source: PatternSource,
  state: PatternState,
  flags: RegexFlags,
  level: number,
): RegexNode {
  const options: RegexNode[] = [];
  do {
    const flagsHere = level === 0 ? state.globalFlags : flags;
    options.push(new SequenceReader(source, state, flagsHere, level, options.length === 0).read());
  } while (source.takeIf("|"));
  return choiceNode(options);
}

/** Reads one alternative, up to `|`, `)` or the end. */
class SequenceReader implements GroupReader {
  readonly source: PatternSource;
  readonly state: PatternState;
  flags: RegexFlags;
  readonly #level: number;
  readonly #first: boolean;
  readonly #items: RegexNode[] = [];
  #last: LastItem = "none";

  constructor(source: PatternSource, state: PatternState, flags: RegexFlags, level: number, first: boolean) {
    this.source = source;
    this.state = state;
    this.flags = flags;
    this.#level = level;
    this.#first = first && level === 0;
  }

  read(): RegexNode {
    if (this.#level > nestingLevelsMax) {
      throw new RefusedPatternError("unsupported", `nested deeper than ${nestingLevelsMax} levels`);
    }
    for (
      let next = this.source.next;
      next !== null && next !== "|" && next !== ")";
      next = this.source.next
    ) {
      this.source.take();
      if (!(this.flags.verbose && this.#skipVerbose(next))) {
        this.#readItem(next);
      }
    }
    return sequenceNode(this.#items);
  }

  readInner(flags: RegexFlags): RegexNode {
    return readAlternatives(this.source, this.state, flags, this.#level + 1);
  }

  /** One alternative only: what a conditional group has on either side of its bar. */
  readInnerSequence(): RegexNode {
    return new SequenceReader(this.source, this.state, this.flags, this.#level + 1, false).read();
  }

  setGlobalFlags(letters: string): void {
    if (!this.#first || this.#items.length > 0) {
      throw invalid("global flags not at the start of the expression");
    }
    this.state.addGlobalFlags(letters);
    this.flags = this.state.globalFlags;
  }

  #skipVerbose(token: string): boolean {
    if (token === "#") {
      for (let skipped = this.source.take(); skipped !== null && skipped !== "\n"; ) {
        skipped = this.source.take();
      }
      return true;
    }
    return verboseSpaces.includes(token);
  }

  #readItem(token: string): void {
    const { source, state, flags } = this;
    switch (token) {
      case "^":
        this.#addAssertion(flags.multiLine ? "lineStart" : "start");
        break;
      case "$":
        this.#addAssertion(flags.multiLine ? "lineEnd" : "finalEnd");
        break;
      case ".":
        this.#add(setNode(anySet(flags)));
        break;
      case "[":
        this.#add(setNode(readClass(source, state, flags)));
        break;
      case "(":
        this.#add(readGroup(this));
        break;
      case "*":
      case "+":
      case "?":
      case "{": {
        const quantifier = readQuantifier(source, token);
        if (quantifier === null) {
          this.#addLiteral(token.codePointAt(0)!);
        } else {
          this.#repeat(quantifier);
        }
        break;
      }
      default:
        if (token.startsWith("\\")) {
          this.#addEscape(token);
        } else {
          this.#addLiteral(token.codePointAt(0)!);
        }
    }
  }

  #addEscape(token: string): void {
    const read = readEscape(this.source, token, this.state);
    switch (read.kind) {
      case "assertion":
        this.#addAssertion(read.assertion);
        break;
      case "category":
        this.#add(setNode(categorySet(read.letter, this.flags.ascii)));
        break;
      case "reference":
        this.#add(this.referenceTo(read.group));
        break;
      case "literal":
        this.#addLiteral(read.codePoint);
    }
  }

  /** Stands for a back-reference in the widths of a look-behind; it never runs. */
  referenceTo(group: number): RegexNode {
    this.state.noteUnsupported("a back-reference");
    return { ...sequenceNode([]), ...this.state.widthsOf(group) };
  }

  #repeat({ min, max, possessive }: Quantifier): void {
    if (this.#last === "none" || this.#last === "assertion") {
      throw invalid("nothing to repeat");
    }
    if (this.#last === "repeat") {
      throw invalid("multiple repeat");
    }
    this.state.noteRepeat();
    if (possessive) {
      this.state.noteUnsupported("a possessive quantifier");
    }
    this.#add(repeatNode(this.#items.pop()!, min, max));
    this.#last = "repeat";
  }

  #addLiteral(codePoint: number): void {
    this.#add(setNode(literalSet(codePoint, this.flags)));
  }

  #addAssertion(assertion: AssertionKind): void {
    this.#add(assertionNode(assertion, this.flags.ascii));
    this.#last = "assertion";
  }

  /** Adds an item; null is none, and leaves what a quantifier would repeat. */
  #add(node: RegexNode | null): void {
    if (node !== null) {
      this.#items.push(node);
      this.#last = "other";
    }
  }
}

/** Python checks the width of look-behinds when all is parsed. */
function checkLookbehinds(node: RegexNode): void {
  for (const inner of nodesOf(node)) {
    if (inner.kind === "look" && !inner.ahead) {
      const { minWidth, maxWidth } = inner.body;
      if (minWidth !== maxWidth || minWidth > lookbehindWidthMax) {
        throw invalid("look-behind requires fixed-width pattern");
      }
    }
  }
}
