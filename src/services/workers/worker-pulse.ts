/** Whether one worker answers: asked by pings, and silent for so many beats. It decides nothing. */

/** From the start of one worker to its end. */
export class WorkerPulse {
  readonly #sendPing: (sentMs: number) => void;
  /** The ping that the worker has not answered: never more than one, so that they do not pile up. */
  #ping: PromiseWithResolvers<void> | null = null;
  #silentBeats = 0;
  #hasAnswered = false;

  /** @param sendPing sends one, with its time on the monotonic clock */
  constructor(sendPing: (sentMs: number) => void) {
    this.#sendPing = sendPing;
  }

  /** Whether the worker has ever answered: before, it may still be loading its program. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Whether it owes an answer since the beat before the last. */
  get isSilent(): boolean {
    return this.#silentBeats > 0;
  }

  /**
   * To be called once a second or so.
   * @returns how many beats ago the worker was asked for a sign of life that it has not given. Beats, not
   *   time: where the whole machine stood still, nobody was silent.
   */
  beat(nowMs: number): number {
    if (this.#ping !== null) this.#silentBeats += 1;
    void this.answers(nowMs);
    return this.#silentBeats;
  }

  /** Resolves when the worker answers the next time; never where it ends before. */
  answers(nowMs: number): Promise<void> {
    if (this.#ping === null) {
      this.#ping = Promise.withResolvers();
      this.#sendPing(nowMs);
    }
    return this.#ping.promise;
  }

  /** The worker has answered. */
  heard(): void {
    this.#hasAnswered = true;
    this.#silentBeats = 0;
    this.#ping?.resolve();
    this.#ping = null;
  }
}
