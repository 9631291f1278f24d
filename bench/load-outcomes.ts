/**
 * What became of the requests of a load: how many ended in which way, and how long they took. Kept in buckets
 * that are two percent wide, so that ten million requests take no more room than a thousand.
 */

/** A status as text, such as `200`; or why there was none. */
export type Outcome =
  | `${number}`
  /** The connection was not made. */
  | "refused"
  /** It ended before the answer began, or within it. */
  | "reset"
  | "partial"
  /** No whole answer in time, or no connection was free to send it in time. */
  | "timeout"
  /** 200, but another body than the first of this request. */
  | "changed"
  | "malformed";

/** For each outcome the buckets and how many are in each. Plain data, to be sent to another process. */
export type Outcomes = { [outcome: string]: { [bucket: string]: number } };

const width = Math.log(1.02);

/** Counts one more. */
export function countOutcome(outcomes: Outcomes, outcome: Outcome, ms: number): void {
  const bucket = Math.round(Math.log(Math.max(ms, 0.001)) / width);
  outcomes[outcome] ??= {};
  const buckets = outcomes[outcome];
  buckets[bucket] = (buckets[bucket] ?? 0) + 1;
}

/** @returns the sum of several */
export function mergeOutcomes(parts: readonly Outcomes[]): Outcomes {
  const whole: Outcomes = {};
  for (const part of parts) {
    for (const [outcome, buckets] of Object.entries(part)) {
      whole[outcome] ??= {};
      const sums = whole[outcome];
      for (const [bucket, count] of Object.entries(buckets)) sums[bucket] = (sums[bucket] ?? 0) + count;
    }
  }
  return whole;
}

/** @returns how many of all outcomes that are asked for; of all where none is named */
export function countOf(outcomes: Outcomes, ...names: readonly Outcome[]): number {
  const asked = names.length === 0 ? Object.keys(outcomes) : names;
  return asked.flatMap((name) => Object.values(outcomes[name] ?? {})).reduce((sum, count) => sum + count, 0);
}

/** @returns how many of each outcome, to be printed and compared */
export function countsOf(outcomes: Outcomes): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.keys(outcomes).map((name) => [name, countOf(outcomes, name as Outcome)]));
}

/**
 * @param share such as 0.99
 * @param names of the outcomes that are asked for; all where none is named
 * @returns milliseconds that this share of the requests took at most, within two percent; NaN where there
 *   are none
 */
export function percentileMs(outcomes: Outcomes, share: number, ...names: readonly Outcome[]): number {
  const asked = names.length === 0 ? Object.keys(outcomes) : names;
  const all = mergeOutcomes(asked.map((name) => ({ all: outcomes[name] ?? {} })))["all"] ?? {};
  let left = Math.ceil(countOf({ all }) * share);
  for (const [bucket, count] of Object.entries(all).toSorted(([a], [b]) => +a - +b)) {
    left -= count;
    if (left <= 0) return Math.exp(Number(bucket) * width);
  }
  return Number.NaN;
}
