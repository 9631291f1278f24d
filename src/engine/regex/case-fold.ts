// Python's IGNORECASE (`re._compiler`) as plain sets, so that no engine below is ever asked to ignore case.
// It knows single code points and ranges only.

import { type CodePointSet, setOfRanges } from "./code-point-set.ts";
import { once } from "./once.ts";
import { type CaseMap, lowerCaseSiblings, lowerCases, upperCases } from "./unicode-sets.ts";

/** What equals what when case is ignored, in columns, since ranges of a class scan thousands of rows. */
type FoldTable = {
  /** Every code point that some other one equals, ascending. */
  readonly cased: Int32Array;
  /** All that a literal of it matches, itself included, ascending. */
  readonly matching: readonly (readonly number[])[];
  /** Its lower case, and the upper case of that. */
  readonly lowered: Int32Array;
  readonly raised: Int32Array;
};

const bmpMax = 0xffff;
const asciiLowerCases: CaseMap = new Map(Array.from({ length: 26 }, (_, i) => [0x41 + i, 0x61 + i]));
const unicodeFolds = once(() => foldTable(lowerCases(), lowerCaseSiblings()));
const asciiFolds = once(() => foldTable(asciiLowerCases, new Map()));

/** A literal matches what has its lower case, or a sibling of its lower case (`ſ` for `S`). */
function foldTable(lower: CaseMap, siblings: ReadonlyMap<number, readonly number[]>): FoldTable {
  const sameLower = new Map<number, number[]>();
  for (const [from, to] of lower) {
    sameLower.set(to, [...(sameLower.get(to) ?? [to]), from]);
  }
  const matching = new Map<number, readonly number[]>();
  for (const low of new Set([...sameLower.keys(), ...siblings.keys()])) {
    const targets = [low, ...(siblings.get(low) ?? [])];
    const all = targets.flatMap((target) => sameLower.get(target) ?? [target]);
    for (const codePoint of sameLower.get(low) ?? [low]) {
      matching.set(codePoint, all);
    }
  }
  const upper = upperCases();
  const cased = [...new Set([...matching.keys(), ...upper.keys()])].sort((a, b) => a - b);
  const lowered = cased.map((codePoint) => lower.get(codePoint) ?? codePoint);
  return {
    cased: Int32Array.from(cased),
    matching: cased.map((codePoint) => (matching.get(codePoint) ?? [codePoint]).toSorted((a, b) => a - b)),
    lowered: Int32Array.from(lowered),
    raised: Int32Array.from(lowered, (codePoint) => upper.get(codePoint) ?? codePoint),
  };
}

/** What the range matches when case is ignored; a single literal is the range of itself. */
export function foldedRange(low: number, high: number, ascii: boolean): CodePointSet {
  const table = ascii ? asciiFolds() : unicodeFolds();
  if (high > bmpMax && low < high) {
    return foldedAstralRange(table, low, high);
  }
  return setOfRanges([[low, high], ...matchesOutside(table, low, high)]);
}

/** What members of the range match beyond the range. */
function matchesOutside({ cased, matching }: FoldTable, low: number, high: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (let i = lowerBound(cased, low); i < cased.length && cased[i]! <= high; i++) {
    const matches = matching[i]!;
    if (matches[0]! < low || matches.at(-1)! > high) {
      ranges.push(...matches.map((match): [number, number] => [match, match]));
    }
  }
  return ranges;
}

/**
 * Python compares the lower case of the text with what it left as written above the basic plane: among
 * other members of a class, an upper-case literal there never matches (`re._compiler._optimize_charset`).
 */
export function foldedAstralMember(codePoint: number, ascii: boolean): CodePointSet {
  const lower = ascii ? asciiLowerCases : lowerCases();
  return lower.has(codePoint) ? [] : foldedRange(codePoint, codePoint, ascii);
}

/**
 * The part in the basic plane folds as always; the whole range is then tried by the lower and by its upper
 * case.
 */
function foldedAstralRange(table: FoldTable, low: number, high: number): CodePointSet {
  const { cased, lowered, raised } = table;
  const ranges: [number, number][] =
    low > bmpMax ? [] : [[low, bmpMax], ...matchesOutside(table, low, bmpMax)];
  let next = low;
  for (let i = 0; i < cased.length; i++) {
    const codePoint = cased[i]!;
    const isLoweredIn = low <= lowered[i]! && lowered[i]! <= high;
    const isRaisedIn = low <= raised[i]! && raised[i]! <= high;
    const isIn = low <= codePoint && codePoint <= high;
    if (isIn && !isLoweredIn && !isRaisedIn) {
      ranges.push([next, codePoint - 1]);
      next = codePoint + 1;
    } else if (!isIn && (isLoweredIn || isRaisedIn)) {
      ranges.push([codePoint, codePoint]);
    }
  }
  ranges.push([next, high]);
  return setOfRanges(ranges.filter(([from, to]) => from <= to));
}

function lowerBound(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
