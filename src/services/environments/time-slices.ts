/**
 * Runs long work in slices, so that requests are answered between them. It does not know what the work is.
 */
import type { Clock } from "../clock.ts";

/** A slice ends with the first step after so long: a request waits no longer than this and one step. */
const sliceMs = 2;

/**
 * @param steps the work; it yields where it may be interrupted
 * @returns what the work returns
 * @throws what the work throws
 */
export async function runInSlices<Result>(
  steps: Generator<undefined, Result>,
  clock: Pick<Clock, "monotonicMs">,
): Promise<Result> {
  for (;;) {
    const endMs = clock.monotonicMs() + sliceMs;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (clock.monotonicMs() < endMs);
    // After this turn's I/O: a timer would wait a millisecond for nothing.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
