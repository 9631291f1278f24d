/** Work that is done in steps, for callers to whom it may take as long as it takes. */

/** @returns what the steps end with */
export function runAtOnce<Result>(steps: Generator<undefined, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
