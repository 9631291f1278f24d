/**
 * From word of a change to the document that has it: one refresh at once, another where the upstream's
 * document lags behind its own event, and never many. It does not know who brought the word.
 */
import type { Clock } from "../clock.ts";

export interface ChangeFollowerOptions {
  /** @returns whether a refresh that began after the call went well, once it has ended */
  readonly refresh: () => Promise<boolean>;
  /** A refresh waits up to this, at random: proxies that hear of a change together must not ask together. */
  readonly jitterMs: number;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/** From one refresh to the next that somebody wants: a flood of words is no flood of requests. */
const spacingMs = 1000;
/** Waits before a refresh is repeated; after the last one the poll brings the document. */
const repeatWaitsMs = [250, 500, 1000, 2000, 4000];

/** Of one environment. */
export class ChangeFollower implements AsyncDisposable {
  readonly #options: ChangeFollowerOptions;
  readonly #stop = new AbortController();
  /** Ends the wait for a repeated refresh. */
  #repeat = new AbortController();
  #isWanted = false;
  /** The newest change heard of; as the upstream writes it, in epoch milliseconds. */
  #heardMs = Number.NEGATIVE_INFINITY;
  #servedMs = Number.POSITIVE_INFINITY;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #following: Promise<void> | null = null;

  constructor(options: ChangeFollowerOptions) {
    this.#options = options;
  }

  /** @param updatedAt of the document that is served from now on; null where it has none to compare with */
  served(updatedAt: Date | null): void {
    this.#servedMs = updatedAt?.getTime() ?? Number.POSITIVE_INFINITY;
  }

  /** Something changed. @param updatedAtMs what the document with the change says; null: nobody knows */
  changed(updatedAtMs: number | null): void {
    this.#isWanted = true;
    this.#repeat.abort();
    // NOTE: the document's time is kept in whole milliseconds.
    if (updatedAtMs !== null) this.#heardMs = Math.max(this.#heardMs, Math.floor(updatedAtMs));
    this.#following ??= this.#follow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#repeat.abort();
    await this.#following;
  }

  /** Until what is served is as new as what was heard of, or all was tried. Never rejects. */
  async #follow(): Promise<void> {
    const { clock, refresh } = this.#options;
    const stop = this.#stop.signal;
    for (let repeats = 0; !stop.aborted && (this.#isWanted || repeats < repeatWaitsMs.length); ) {
      if (this.#isWanted) {
        repeats = 0;
        await clock.sleep(this.#delayMs(), stop);
      } else {
        this.#repeat = new AbortController();
        await clock.sleep(repeatWaitsMs[repeats] ?? 0, this.#repeat.signal);
        repeats += 1;
        if (this.#isWanted) continue;
      }
      if (stop.aborted) break;
      this.#isWanted = false;
      this.#lastStartMs = clock.monotonicMs();
      const wentWell = await refresh();
      // One that failed, or whose document is held back, is the poll's to try again in its time.
      if (!this.#isWanted && (!wentWell || this.#servedMs >= this.#heardMs)) break;
    }
    this.#heardMs = Number.NEGATIVE_INFINITY;
    this.#following = null;
  }

  #delayMs(): number {
    const { clock, jitterMs, random } = this.#options;
    return Math.max(random() * jitterMs, this.#lastStartMs + spacingMs - clock.monotonicMs());
  }
}
