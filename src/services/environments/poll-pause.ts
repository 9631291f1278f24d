/**
 * The pause of a poller between two refreshes: it can be ended, and made longer or shorter while it lasts. It
 * does not know how long a pause has to be.
 */
import type { Clock } from "../clock.ts";

export class PollPause {
  readonly #clock: Clock;
  #isEnded = false;
  /** Ends the sleep that runs; null where none does. There is one for each environment: they are kept few. */
  #sleep: AbortController | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next pause begins anew; whoever ends it from now on may be there before it. */
  renew(): void {
    this.#isEnded = false;
  }

  /** Ends the pause, also one that is still to come. */
  end(): void {
    this.#isEnded = true;
    this.#sleep?.abort();
  }

  /** Has a pause that lasts be as long as is said now, counted from its start. */
  retime(): void {
    this.#sleep?.abort();
  }

  /**
   * Resolves when the pause is over; never rejects.
   * @param waitMs how long it is, in milliseconds; asked again each time that it is retimed
   */
  async rest(waitMs: () => number): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    for (let isCutShort = true; isCutShort && !this.#isEnded; ) {
      const leftMs = Math.max(0, waitMs() - (this.#clock.monotonicMs() - startMs));
      const sleep = new AbortController();
      this.#sleep = sleep;
      await this.#clock.sleep(leftMs, sleep.signal);
      isCutShort = sleep.signal.aborted;
    }
    this.#sleep = null;
  }
}
