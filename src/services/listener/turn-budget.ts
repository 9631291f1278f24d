/**
 * How long one turn of the event loop may go on with work that can be refused (reliability 2.10). More
 * requests than a core can answer are found in one turn: the last of them would be answered when nobody waits
 * any more, and so would those after. What is refused at once costs little, and the others stay fast.
 */

/** So many requests of a turn are never refused, nor is time looked at: usual turns have fewer. */
const requestsMin = 4;

interface Loop {
  /** CPU time of this thread: a process that waits for a core is not asked for too much. */
  readonly cpuMs: () => number;
  /** Runs something when the loop has come round. */
  readonly afterTurn: (run: () => void) => void;
}

const thisLoop: Loop = {
  cpuMs() {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  },
  afterTurn: setImmediate,
};

/** Of one thread: its turns follow each other. */
export class TurnBudget {
  readonly #budgetMs: number;
  readonly #loop: Loop;
  #requests = 0;
  /** CPU time when the turn's time began to count; null before. */
  #startMs: number | null = null;
  /** Whether the last turn was too long already: one long turn may have had many reasons. */
  #wasLong = false;

  /** @param budgetMs 0: no limit */
  constructor(budgetMs: number, loop: Loop = thisLoop) {
    this.#budgetMs = budgetMs;
    this.#loop = loop;
  }

  /** @returns whether there is time left in this turn for one more request */
  readonly hasTime = (): boolean => {
    if (this.#budgetMs === 0) return true;
    this.#requests += 1;
    if (this.#requests === 1) this.#loop.afterTurn(this.#end);
    if (this.#requests <= requestsMin) return true;
    this.#startMs ??= this.#loop.cpuMs();
    return !this.#wasLong || this.#loop.cpuMs() - this.#startMs <= this.#budgetMs;
  };

  readonly #end = (): void => {
    this.#wasLong = this.#startMs !== null && this.#loop.cpuMs() - this.#startMs > this.#budgetMs;
    this.#requests = 0;
    this.#startMs = null;
  };
}
