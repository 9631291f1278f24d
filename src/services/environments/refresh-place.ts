/** A refresh waits for its place among those that may run at once. It does not know how many that are. */

/**
 * Runs it when the limiter has a place; who is told to stop does not wait for one.
 * @throws what it throws, and the reason of the signal
 */
export function runInPlace(
  run: () => Promise<void>,
  limiter: (run: () => Promise<void>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  const runOnce = async () => {
    signal.removeEventListener("abort", giveUp);
    if (!signal.aborted) await run();
  };
  limiter(runOnce).then(resolve, reject);
  return promise;
}
