/** Chance that can be had again: the same seed brings the same numbers. It must not make secrets. */

/** @returns a function like `Math.random` (Tommy Ettinger's mulberry32) */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @returns the same values in an order of chance (Fisher and Yates) */
export function shuffled<Value>(values: readonly Value[], random: () => number): Value[] {
  const result = [...values];
  for (let left = result.length - 1; left > 0; left -= 1) {
    const chosen = Math.floor(random() * (left + 1));
    [result[left], result[chosen]] = [result[chosen] as Value, result[left] as Value];
  }
  return result;
}
