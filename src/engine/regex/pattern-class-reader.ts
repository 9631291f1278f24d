// Reads a bracketed character class as Python's `re._parser` does: no POSIX names, no nested sets. The
// opening bracket is taken already.

import { type ClassMember, classSet } from "./character-class.ts";
import type { CodePointSet } from "./code-point-set.ts";
import { invalid } from "./pattern-error.ts";
import { readClassEscape } from "./pattern-escape.ts";
import type { RegexFlags } from "./pattern-flags.ts";
import type { PatternSource } from "./pattern-source.ts";
import type { PatternState } from "./pattern-state.ts";

/** The set of the class that `source` is in. */
export function readClass(source: PatternSource, state: PatternState, flags: RegexFlags): CodePointSet {
  const negated = source.takeIf("^");
  const members: ClassMember[] = [];
  for (;;) {
    const token = takeInClass(source);
    if (token === "]" && members.length > 0) {
      return state.keptSet(JSON.stringify([members, negated, flags]), () =>
        classSet(members, negated, flags),
      );
    }
    const first = readMember(source, token, state);
    if (!source.takeIf("-")) {
      members.push(first);
      continue;
    }
    const following = takeInClass(source);
    if (following === "]") {
      members.push(first, { kind: "literal", codePoint: 0x2d });
      return state.keptSet(JSON.stringify([members, negated, flags]), () =>
        classSet(members, negated, flags),
      );
    }
    members.push(rangeOf(first, readMember(source, following, state)));
  }
}

function takeInClass(source: PatternSource): string {
  const token = source.take();
  if (token === null) {
    throw invalid("unterminated character set");
  }
  return token;
}

function readMember(source: PatternSource, token: string, state: PatternState): ClassMember {
  return token.startsWith("\\")
    ? readClassEscape(source, token, state)
    : { kind: "literal", codePoint: token.codePointAt(0)! };
}

function rangeOf(first: ClassMember, last: ClassMember): ClassMember {
  if (first.kind !== "literal" || last.kind !== "literal" || last.codePoint < first.codePoint) {
    throw invalid("bad character range");
  }
  return { kind: "range", low: first.codePoint, high: last.codePoint };
}
