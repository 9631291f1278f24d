/** How much the fault suite does: a little with all other tests, much by `npm run test:faults -- --long`. */

/** Set by `run-faults.ts`. */
const isLong = process.env["FAULTS"] === "long";

/** @returns the first in the long suite, else the second */
export function scaled<T>(long: T, short: T): T {
  return isLong ? long : short;
}
