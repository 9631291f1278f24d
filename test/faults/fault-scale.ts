/**
 * How much the fault suite does: a little with all other tests, much by `npm run test:faults -- --long`, and
 * what shows most faults within minutes by `--middle`.
 */

/** Set by `run-faults.ts`. */
const scale = process.env["FAULTS"] ?? "short";

/** @returns the first in the long suite, the third in the middle one, else the second */
export function scaled<T>(long: T, short: T, middle = short): T {
  if (scale === "long") return long;
  return scale === "middle" ? middle : short;
}
