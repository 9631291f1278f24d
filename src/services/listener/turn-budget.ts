/**
 * How long one turn of the event loop may go on with work that can be refused (reliability 2.10). More
 * requests than a core can answer are found in one turn: the last of them would be answered when nobody waits
 * any more, and so would those after. What is refused at once costs little, and the others stay fast.
 */
import type { Clock } from "../clock.ts";

/** So many are never refused: one that waited for the collector, or for a core, is no overload. */
const requestsMin = 16;

export class TurnBudget {
  readonly #budgetMs: number;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #afterTurn: (run: () => void) => void;
  /** When the turn began with such work; null before. */
  #startMs: number | null = null;
  #requests = 0;
  /** Whether the turn before was too long already: one long turn may have had many reasons. */
  #follows = false;
  #wasLong = false;
  #endMs = 0;

  /**
   * @param budgetMs 0: no limit
   * @param afterTurn runs something when the loop has come round
   */
  constructor(
    budgetMs: number,
    clock: Pick<Clock, "monotonicMs">,
    afterTurn: (run: () => void) => void = setImmediate,
  ) {
    this.#budgetMs = budgetMs;
    this.#clock = clock;
    this.#afterTurn = afterTurn;
  }

  /** @returns whether there is time left in this turn for one more request */
  readonly hasTime = (): boolean => {
    if (this.#budgetMs === 0) return true;
    this.#requests += 1;
    if (this.#startMs === null) this.#begin();
    else if (this.#follows && this.#requests > requestsMin) {
      return this.#clock.monotonicMs() - this.#startMs <= this.#budgetMs;
    }
    return true;
  };

  #begin(): void {
    this.#startMs = this.#clock.monotonicMs();
    this.#follows = this.#wasLong && this.#startMs - this.#endMs <= this.#budgetMs;
    this.#afterTurn(this.#end);
  }

  readonly #end = (): void => {
    this.#endMs = this.#clock.monotonicMs();
    this.#wasLong = this.#endMs - (this.#startMs ?? this.#endMs) > this.#budgetMs;
    this.#startMs = null;
    this.#requests = 0;
  };
}
