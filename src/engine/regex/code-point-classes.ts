// Splits all code points into classes that no set of a pattern tells apart, so that an engine need only see
// one symbol per class. It assigns no symbols.

import { type CodePointSet, codePointMax, complementOf } from "./code-point-set.ts";

const comparedBoundsMax = 8;

/** Intervals of code points and the class of each. */
export type CodePointClasses = {
  /** The first code point of each interval, ascending from 0. */
  readonly starts: Int32Array;
  /** The class of each interval. */
  readonly classIds: Int32Array;
  readonly classCount: number;
};

/**
 * The coarsest classes such that each of `sets` is a union of some; ASCII code points stand in intervals of
 * their own.
 */
export function classesOf(sets: readonly CodePointSet[]): CodePointClasses {
  const distinct = distinctSets(sets);
  const boundaries = new Set<number>([0, 0x80]);
  for (const set of distinct) {
    for (let i = 0; i < set.length; i += 2) {
      boundaries.add(set[i]!);
      boundaries.add(set[i + 1]! + 1);
    }
  }
  boundaries.delete(codePointMax + 1);
  const starts = Int32Array.from(boundaries).sort();
  const classIds = new Int32Array(starts.length);
  let classCount = 1;
  for (const set of distinct) {
    classCount = split(starts, classIds, classCount, set);
  }
  return { starts, classIds, classCount };
}

/**
 * Large sets are told apart by identity alone: comparing them costs more than splitting by one of them
 * twice.
 */
function distinctSets(sets: readonly CodePointSet[]): CodePointSet[] {
  const kept = new Map<unknown, CodePointSet>();
  for (const set of sets) {
    kept.set(set.length > comparedBoundsMax ? set : set.join(), set);
  }
  return [...kept.values()];
}

/** The index of the interval that `codePoint` is in. */
export function intervalOf(starts: Int32Array, codePoint: number): number {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= codePoint) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/** The indices of the intervals that make up `set`, which must be one of those given to `classesOf`. */
export function intervalsIn(starts: Int32Array, set: CodePointSet): number[] {
  const indices: number[] = [];
  for (let i = 0; i < set.length; i += 2) {
    for (let at = intervalOf(starts, set[i]!); at < starts.length && starts[at]! <= set[i + 1]!; at++) {
      indices.push(at);
    }
  }
  return indices;
}

/**
 * Splits every class that lies partly in `set`; a set and its complement split alike, the smaller one costs
 * less.
 */
function split(starts: Int32Array, classIds: Int32Array, classCount: number, set: CodePointSet): number {
  const inside = intervalsIn(starts, set);
  const covered = inside.length * 2 > starts.length ? intervalsIn(starts, complementOf(set)) : inside;
  const moved = new Map<number, number>();
  let count = classCount;
  for (const at of covered) {
    const before = classIds[at]!;
    let after = moved.get(before);
    if (after === undefined) {
      after = count;
      count += 1;
      moved.set(before, after);
    }
    classIds[at] = after;
  }
  return count;
}
