/**
 * Predicates over one evaluation, and how a rule combines them: the cheapest first. A condition has no
 * effect but its answer, so their order changes only what is spent. What a predicate looks at is not its
 * concern.
 */

/** Whether an evaluation of type `E` meets a condition, a rule or a segment. */
export interface Predicate<E> {
  matches(evaluation: E): boolean;
  /** What it costs, at most, in units of a comparison. */
  readonly cost: number;
}

type Matches<E> = (evaluation: E) => boolean;

export const never: Predicate<unknown> = { matches: () => false, cost: 0 };
export const always: Predicate<unknown> = { matches: () => true, cost: 0 };

/**
 * Chained, an identity was measured to cost an eighth less than with loops; a long chain would need stack.
 */
const chainedMax = 8;

/** All of them. @param predicates at least one */
export function every<E>(predicates: readonly Predicate<E>[]): Predicate<E> {
  const parts = cheapestFirst(predicates);
  const chain = (first: Matches<E>, rest: Matches<E>) => (evaluation: E) =>
    first(evaluation) && rest(evaluation);
  const loop = (evaluation: E) => parts.every((part) => part(evaluation));
  return { matches: parts.length > chainedMax ? loop : chained(parts, chain), cost: totalCost(predicates) };
}

/** At least one of them. @param predicates at least one */
export function some<E>(predicates: readonly Predicate<E>[]): Predicate<E> {
  const parts = cheapestFirst(predicates);
  const chain = (first: Matches<E>, rest: Matches<E>) => (evaluation: E) =>
    first(evaluation) || rest(evaluation);
  const loop = (evaluation: E) => parts.some((part) => part(evaluation));
  return { matches: parts.length > chainedMax ? loop : chained(parts, chain), cost: totalCost(predicates) };
}

/** None of them. @param predicates at least one */
export function none<E>(predicates: readonly Predicate<E>[]): Predicate<E> {
  const { matches, cost } = some(predicates);
  return { matches: (evaluation) => !matches(evaluation), cost };
}

function chained<E>(
  parts: readonly Matches<E>[],
  chain: (first: Matches<E>, rest: Matches<E>) => Matches<E>,
): Matches<E> {
  return parts.reduceRight((rest, first) => chain(first, rest));
}

function cheapestFirst<E>(predicates: readonly Predicate<E>[]): Matches<E>[] {
  return predicates.toSorted((left, right) => left.cost - right.cost).map(({ matches }) => matches);
}

function totalCost(predicates: readonly Predicate<never>[]): number {
  return predicates.reduce((total, { cost }) => total + cost, 0);
}
