/**
 * How much is asked of the upstream at the same time, and who waits for whom. It does not know what is asked.
 */
import { bulkhead } from "cockatiel";

/**
 * Runs what it is given, at once or when a place is free.
 * @param isFailing whether the last one of its kind failed, and this one may hang too
 */
export type RefreshLimiter = <T>(run: () => Promise<T>, isFailing?: boolean) => Promise<T>;

/**
 * The cap on refreshes at the same time; one for the process, shared by all pollers. Its queue has no limit
 * of its own: a poller waits in it at most once, so the number of environments is its bound. A quarter of the
 * places is for those that do well: others that hang, however many, do not hold them up.
 *
 * @param concurrencyMax at least one
 */
export function createRefreshLimiter(concurrencyMax: number): RefreshLimiter {
  const places = bulkhead(concurrencyMax, Number.POSITIVE_INFINITY);
  const reserved = concurrencyMax === 1 ? 0 : Math.ceil(concurrencyMax / 4);
  const failing = bulkhead(concurrencyMax - reserved, Number.POSITIVE_INFINITY);
  return (run, isFailing = false) =>
    isFailing ? failing.execute(() => places.execute(run)) : places.execute(run);
}

/** Places for all that is asked of one upstream. */
export interface UpstreamPlaces {
  readonly documents: RefreshLimiter;
  /** Of the list of environments. */
  readonly list: RefreshLimiter;
  readonly usage: RefreshLimiter;
}

/**
 * Shares a cap out: the list and usage have a place each that documents never take, as documents that hang
 * would hold up removals and reports for as long as there are environments that wait. Where there are too few
 * places they share.
 *
 * @param concurrencyMax at least one; no more is asked at the same time
 * @param hasProxyKey without one, documents are all that is asked for
 */
export function shareUpstream(concurrencyMax: number, hasProxyKey: boolean): UpstreamPlaces {
  const reserved = hasProxyKey ? Math.min(2, concurrencyMax - 1) : 0;
  const documents = createRefreshLimiter(concurrencyMax - reserved);
  const list = reserved > 0 ? createRefreshLimiter(1) : documents;
  return { documents, list, usage: reserved > 1 ? createRefreshLimiter(1) : list };
}

/**
 * Waits for a place, and runs then; whoever is told to stop waits no longer, and does not run.
 * @param signal tells to stop waiting; a run that has begun is not its concern
 * @param isFailing see `RefreshLimiter`
 * @throws what `run` throws; the reason of the signal
 */
export function runInPlace<T>(
  run: () => Promise<T>,
  limiter: RefreshLimiter,
  signal: AbortSignal,
  isFailing = false,
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
  limiter(runOnce, isFailing).then(resolve, reject);
  return promise;
}
