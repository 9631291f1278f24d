// Turns the members of a Python character class into one set of code points, letter case included. It reads
// no pattern text.

import { foldedAstralMember, foldedRange } from "./case-fold.ts";
import { type CodePointSet, complementOf, fullSet, unionOf } from "./code-point-set.ts";
import type { RegexFlags } from "./pattern-flags.ts";
import { type CategoryLetter, categorySet } from "./unicode-sets.ts";

/** A member of a class; a single character is a literal too. */
export type ClassMember =
  | { readonly kind: "literal"; readonly codePoint: number }
  | { readonly kind: "range"; readonly low: number; readonly high: number }
  | { readonly kind: "category"; readonly letter: CategoryLetter };

const bmpMax = 0xffff;
const notNewline = complementOf([0x0a, 0x0a]);

/** What `.` matches. */
export function anySet(flags: RegexFlags): CodePointSet {
  return flags.dotAll ? fullSet : notNewline;
}

/** What one literal character matches. */
export function literalSet(codePoint: number, flags: RegexFlags): CodePointSet {
  return flags.ignoreCase ? foldedRange(codePoint, codePoint, flags.ascii) : [codePoint, codePoint];
}

/** What `[…]` or `[^…]` with these members matches. */
export function classSet(members: readonly ClassMember[], negated: boolean, flags: RegexFlags): CodePointSet {
  const distinct = new Set(members.map((member) => JSON.stringify(member)));
  const set = unionOf(members.map((member) => memberSet(member, flags, distinct.size === 1)));
  return negated ? complementOf(set) : set;
}

function memberSet(member: ClassMember, flags: RegexFlags, alone: boolean): CodePointSet {
  switch (member.kind) {
    case "category":
      return categorySet(member.letter, flags.ascii);
    case "literal":
      if (flags.ignoreCase && member.codePoint > bmpMax && !alone) {
        return foldedAstralMember(member.codePoint, flags.ascii);
      }
      return literalSet(member.codePoint, flags);
    case "range":
      return flags.ignoreCase ? foldedRange(member.low, member.high, flags.ascii) : [member.low, member.high];
  }
}
