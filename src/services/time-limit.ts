/** A wait that has a limit. What ends is the wait alone, never what is waited for. */
import type { Clock } from "./clock.ts";

/**
 * Waits no longer than its limit, nor beyond the abort of its signal.
 * @param settled waited for; it must not reject
 * @param ms the limit, in milliseconds
 * @returns whether it settled in time
 */
export async function settlesWithin(
  settled: Promise<unknown>,
  ms: number,
  clock: Pick<Clock, "sleep">,
  signal?: AbortSignal,
): Promise<boolean> {
  const ended = new AbortController();
  const signals = signal === undefined ? ended.signal : AbortSignal.any([ended.signal, signal]);
  const isInTime = await Promise.race([settled.then(() => true), clock.sleep(ms, signals).then(() => false)]);
  ended.abort();
  return isInTime;
}
