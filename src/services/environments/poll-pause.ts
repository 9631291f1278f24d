/**
 * The pause of a poller between two refreshes: it can be ended, and made longer or shorter while it lasts. It
 * does not know how long a pause has to be.
 */
import type { Clock } from "../clock.ts";

export class PollPause {
  readonly #clock: Clock;
  #ended = new AbortController();
  #retimed = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next pause begins anew; whoever ends it from now on may be there before it. */
  renew(): void {
    this.#ended = new AbortController();
  }

  /** Ends the pause, also one that is still to come. */
  end(): void {
    this.#ended.abort();
  }

  /** Has a pause that lasts be as long as is said now, counted from its start. */
  retime(): void {
    this.#retimed.abort();
  }

  /**
   * Resolves when the pause is over; never rejects.
   * @param waitMs how long it is, in milliseconds; asked again each time that it is retimed
   */
  async rest(waitMs: () => number): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    do {
      this.#retimed = new AbortController();
      const leftMs = Math.max(0, waitMs() - (this.#clock.monotonicMs() - startMs));
      await this.#clock.sleep(leftMs, AbortSignal.any([this.#ended.signal, this.#retimed.signal]));
    } while (this.#retimed.signal.aborted && !this.#ended.signal.aborted);
  }
}
