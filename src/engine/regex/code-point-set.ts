// Sets of Unicode code points as sorted, disjoint, non-adjacent ranges `[low, high, low, high, …]`. It
// knows nothing of patterns or of Python.

/** Sorted, disjoint, non-adjacent inclusive ranges, flat. */
export type CodePointSet = readonly number[];

/** The highest code point there is. */
export const codePointMax = 0x10ffff;

/** Everything, lone surrogates included. */
export const fullSet: CodePointSet = [0, codePointMax];

/** The set of all code points in `ranges`, which may come in any order and overlap. */
export function setOfRanges(ranges: readonly (readonly [number, number])[]): CodePointSet {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const flat: number[] = [];
  for (const [low, high] of sorted) {
    const last = flat.length - 1;
    if (last > 0 && low <= flat[last]! + 1) {
      flat[last] = Math.max(flat[last]!, high);
    } else {
      flat.push(low, high);
    }
  }
  return flat;
}

function rangesOf(set: CodePointSet): [number, number][] {
  const ranges: [number, number][] = [];
  for (let i = 0; i < set.length; i += 2) {
    ranges.push([set[i]!, set[i + 1]!]);
  }
  return ranges;
}

/** All code points that are in any of `sets`. */
export function unionOf(sets: readonly CodePointSet[]): CodePointSet {
  return sets.length === 1 ? sets[0]! : setOfRanges(sets.flatMap(rangesOf));
}

/** All code points that are not in `set`. */
export function complementOf(set: CodePointSet): CodePointSet {
  const flat: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i]! > next) {
      flat.push(next, set[i]! - 1);
    }
    next = set[i + 1]! + 1;
  }
  if (next <= codePointMax) {
    flat.push(next, codePointMax);
  }
  return flat;
}

/** Whether `codePoint` is in `set`; logarithmic in the number of ranges. */
export function hasCodePoint(set: CodePointSet, codePoint: number): boolean {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[2 * middle + 1]! < codePoint) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return 2 * low < set.length && set[2 * low]! <= codePoint;
}
