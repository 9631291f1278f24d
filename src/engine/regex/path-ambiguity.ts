// Decides whether the ways to read a text through an automaton stay bounded as the text grows (Weber and
// Seidl 1991, conditions EDA and IDA): then backtracking, which tries all of them, is linear. It must
// answer the same on every machine, so it counts steps and reads no clock.

import type { PositionAutomaton } from "./position-automaton.ts";

/** What the search found; `unknown` if it took too many steps. */
export type Ambiguity = "bounded" | "unbounded" | "unknown";

/** States that are all at one character, and the states that each may go to. */
type Tuple = readonly number[];

/**
 * Whether the ways through `automaton` are bounded.
 * - Exponential growth: a state comes back to itself in two ways on one text.
 * - Polynomial growth: one text leads a state to itself, to another, and that other one to itself.
 */
export function ambiguityOf(automaton: PositionAutomaton, stepsMax: number): Ambiguity {
  return new AmbiguitySearch(automaton, stepsMax).run();
}

class AmbiguitySearch {
  readonly #masks: readonly bigint[];
  readonly #next: readonly (readonly number[])[];
  readonly #followers: PositionAutomaton["followers"];
  readonly #reach: readonly ReadonlySet<number>[];
  #steps: number;

  constructor({ masks, followers }: PositionAutomaton, stepsMax: number) {
    this.#masks = masks;
    this.#followers = followers;
    this.#next = followers.map((ways) => [...ways.keys()].filter((state) => masks[state] !== 0n));
    this.#reach = this.#next.map((_, state) => this.#reachableFrom(state));
    this.#steps = stepsMax;
  }

  run(): Ambiguity {
    const looping = this.#next.map((_, state) => state).filter((state) => this.#reach[state]!.has(state));
    for (const state of looping) {
      if (this.#isExponential(state)) {
        return this.#verdict();
      }
    }
    for (const from of looping) {
      for (const to of looping) {
        if (this.#reach[from]!.has(to) && !this.#reach[to]!.has(from) && this.#isPolynomial(from, to)) {
          return this.#verdict();
        }
      }
    }
    return "bounded";
  }

  #verdict(): Ambiguity {
    return this.#steps <= 0 ? "unknown" : "unbounded";
  }

  #reachableFrom(state: number): ReadonlySet<number> {
    const reached = new Set<number>();
    const pending = [...this.#next[state]!];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (!reached.has(at)) {
        reached.add(at);
        pending.push(...this.#next[at]!);
      }
    }
    return reached;
  }

  #areInOneLoop(a: number, b: number): boolean {
    return this.#reach[a]!.has(b) && this.#reach[b]!.has(a);
  }

  /** Two paths from `state` back to it, apart in between, or one edge that can be taken in two ways. */
  #isExponential(state: number): boolean {
    for (const [follower, ways] of this.#followers[state]!) {
      if (ways > 1 && this.#masks[follower] !== 0n && this.#reach[follower]!.has(state)) {
        return true;
      }
    }
    const isInLoop = (at: number) => this.#areInOneLoop(at, state);
    const apart = this.#search([[state, state]], [isInLoop, isInLoop], ([a, b]) => a !== b);
    return (
      apart !== null &&
      this.#search(apart, [isInLoop, isInLoop], ([a, b]) => a === state && b === state) !== null
    );
  }

  /** `from` to itself, `from` to `to`, and `to` to itself, all three by one text. */
  #isPolynomial(from: number, to: number): boolean {
    const filters = [
      (at: number) => this.#areInOneLoop(at, from),
      (at: number) => at === to || this.#reach[at]!.has(to),
      (at: number) => this.#areInOneLoop(at, to),
    ];
    const isGoal = ([a, b, c]: Tuple) => a === from && b === to && c === to;
    return this.#search([[from, from, to]], filters, isGoal) !== null;
  }

  /**
   * All tuples that are reached from `starts` by one or more common characters and are a goal; null if
   * there is none. Running out of steps counts as found, and `#verdict` tells the difference.
   */
  #search(
    starts: readonly Tuple[],
    filters: readonly ((state: number) => boolean)[],
    isGoal: (tuple: Tuple) => boolean,
  ): readonly Tuple[] | null {
    const seen = new Set<string>();
    const pending = [...starts];
    const found: Tuple[] = [];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const tuple of this.#successors(at, filters)) {
        const key = tuple.join();
        if (!seen.has(key)) {
          seen.add(key);
          pending.push(tuple);
          if (isGoal(tuple)) {
            found.push(tuple);
          }
        }
      }
      if (this.#steps <= 0) {
        return found.length > 0 ? found : [at];
      }
    }
    return found.length > 0 ? found : null;
  }

  #successors(tuple: Tuple, filters: readonly ((state: number) => boolean)[]): readonly Tuple[] {
    let partial: { readonly states: Tuple; readonly mask: bigint }[] = [{ states: [], mask: -1n }];
    for (const [place, state] of tuple.entries()) {
      this.#steps -= this.#next[state]!.length;
      const options = this.#next[state]!.filter((next) => filters[place]!(next));
      partial = partial.flatMap(({ states, mask }) =>
        options.flatMap((next) => {
          this.#steps -= 1;
          const common = mask & this.#masks[next]!;
          return common === 0n ? [] : [{ states: [...states, next], mask: common }];
        }),
      );
    }
    return partial.map(({ states }) => states);
  }
}
