/**
 * How many requests for one environment were answered with 200, by what was asked for (contract B 4.4).
 * Routes add one where they write such an answer, and do nothing else: it is on the way of every request.
 */

export interface AnswerCount {
  /** Since it was last set to 0, which who reports it does. */
  count: number;
}

export interface AnswerCounts {
  readonly flags: AnswerCount;
  readonly identities: AnswerCount;
  readonly environmentDocument: AnswerCount;
}

export function zeroCounts(): AnswerCounts {
  return { flags: { count: 0 }, identities: { count: 0 }, environmentDocument: { count: 0 } };
}
