/** How many refreshes run at the same time, of all environments together. It does not know what they do. */
import { bulkhead } from "cockatiel";

/** Runs what it is given, at once or when a place is free. */
export type RefreshLimiter = <T>(run: () => Promise<T>) => Promise<T>;

/**
 * The cap on refreshes at the same time; one for the process, shared by all pollers. Its queue has no limit
 * of its own: a poller waits in it at most once, so the number of environments is its bound.
 *
 * @param concurrencyMax at least one
 */
export function createRefreshLimiter(concurrencyMax: number): RefreshLimiter {
  const places = bulkhead(concurrencyMax, Number.POSITIVE_INFINITY);
  return (run) => places.execute(run);
}

/**
 * Waits for a place, and runs then; whoever is told to stop waits no longer, and does not run.
 * @param signal tells to stop waiting; a run that has begun is not its concern
 * @throws what `run` throws; the reason of the signal
 */
export function runInPlace<T>(
  run: () => Promise<T>,
  limiter: RefreshLimiter,
  signal: AbortSignal,
): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  const runOnce = async () => {
    signal.removeEventListener("abort", giveUp);
    signal.throwIfAborted();
    return await run();
  };
  limiter(runOnce).then(resolve, reject);
  return promise;
}
