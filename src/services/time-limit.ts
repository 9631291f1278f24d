/** Waits that have a limit. It ends the wait alone, never what is waited for. */
import type { Clock } from "./clock.ts";

/**
 * Waits for `settled`, which must not reject, but no longer than `ms`, nor beyond the abort of `signal`.
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
