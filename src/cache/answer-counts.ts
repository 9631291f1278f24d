/**
 * How many requests for one environment were answered with 200, by what was asked for (contract B 4.4).
 * Routes add one where they write such an answer, and do nothing else: it is on the way of every request.
 */

/** Of one resource. */
export interface AnswerCount {
  /** Since usage was last told; that sets it to 0. */
  count: number;
}

/** Of one environment. */
export interface AnswerCounts {
  readonly flags: AnswerCount;
  readonly identities: AnswerCount;
  readonly environmentDocument: AnswerCount;
}

/** @returns the counts of an environment that nothing was asked of yet */
export function zeroCounts(): AnswerCounts {
  return { flags: { count: 0 }, identities: { count: 0 }, environmentDocument: { count: 0 } };
}
