/**
 * From word of a change to the document that has it: one refresh soon, another where the upstream's document
 * lags behind its own event, and never many. It does not know who brought the word.
 */
import type { Clock } from "../clock.ts";

export interface ChangeFollowerOptions {
  /** @returns whether a refresh that began after the call went well, once it has ended */
  readonly refresh: () => Promise<boolean>;
  /**
   * A refresh for a change waits up to so many milliseconds, at random: proxies that hear of one together
   * must not ask together.
   */
  readonly jitterMs: number;
  /**
   * A refresh that catches up waits up to so many where these are more: the streams of all environments come
   * back together.
   */
  readonly catchUpSpreadMs: number;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/** A few changes in a row are followed at once; a flood of words is a refresh in so long, and no more. */
const spacingMs = 1000;
const refreshesAtOnce = 5;
/** Waits before a refresh is repeated; after the last one the poll brings the document. */
const repeatWaitsMs: readonly number[] = [500, 1500, 6000];

/** Of one environment. */
export class ChangeFollower implements AsyncDisposable {
  readonly #options: ChangeFollowerOptions;
  readonly #stop = new AbortController();
  /** Ends the wait before the next refresh. */
  #wait = new AbortController();
  /** What a refresh that has not begun is wanted for; null: nothing. */
  #wanted: "change" | "catch-up" | null = null;
  /** The newest change heard of; as the upstream writes it, in epoch milliseconds. */
  #heardMs = Number.NEGATIVE_INFINITY;
  /** The date of what is served; as if of the future, where it has none. */
  #dateMs = Number.POSITIVE_INFINITY;
  /** Whether a document has come for the change that is followed whose date does not tell of it. */
  #cameUndated = false;
  /** When as many refreshes will have been due, one each `spacingMs`, as there have been. */
  #spentMs = Number.NEGATIVE_INFINITY;
  #following: Promise<void> | null = null;

  constructor(options: ChangeFollowerOptions) {
    this.#options = options;
  }

  /**
   * A document is served from now on that was not before.
   * @param updatedAt its date; null where it has none to compare with
   */
  served(updatedAt: Date | null): void {
    const dateMs = updatedAt?.getTime() ?? Number.POSITIVE_INFINITY;
    // It has changed, and its date has not: of this change the date does not tell (reliability B20).
    this.#cameUndated = this.#following !== null && dateMs === this.#dateMs;
    this.#dateMs = dateMs;
  }

  /** Something changed. @param updatedAtMs what the document with the change says; null: nobody knows */
  changed(updatedAtMs: number | null): void {
    // A wait for a change goes on: each word of a flood would begin it anew.
    if (this.#wanted !== "change") this.#wait.abort();
    this.#wanted = "change";
    // NOTE: the document's time is kept in whole milliseconds.
    if (updatedAtMs !== null) this.#heardMs = Math.max(this.#heardMs, Math.floor(updatedAtMs));
    this.#following ??= this.#follow();
  }

  /** Changes may have been missed. Any refresh that begins from now on makes up for it. */
  catchUp(): void {
    this.#wanted ??= "catch-up";
    this.#following ??= this.#follow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#wait.abort();
    await this.#following;
  }

  /** Until what is served is as new as what was heard of, or all was tried. Never rejects. */
  async #follow(): Promise<void> {
    const { clock, refresh } = this.#options;
    const stop = this.#stop.signal;
    let repeats: readonly number[] = [];
    while (!stop.aborted && (this.#wanted !== null || repeats.length > 0)) {
      this.#wait = new AbortController();
      await clock.sleep(this.#waitMs(repeats[0] ?? null), this.#wait.signal);
      if (this.#wait.signal.aborted) continue;
      repeats = this.#wanted === "change" ? repeatWaitsMs : repeats.slice(1);
      this.#wanted = null;
      this.#spentMs = Math.max(this.#spentMs, clock.monotonicMs()) + spacingMs;
      const wentWell = await refresh();
      // One that failed, or whose document is held back, is the poll's to try again in its time.
      if (!wentWell || this.#cameUndated || this.#dateMs >= this.#heardMs) repeats = [];
    }
    this.#heardMs = Number.NEGATIVE_INFINITY;
    this.#cameUndated = false;
    this.#following = null;
  }

  /** @param repeatMs where the last refresh is to be repeated: after so long; null: it is not */
  #waitMs(repeatMs: number | null): number {
    const { catchUpSpreadMs, clock, jitterMs, random } = this.#options;
    const isChange = this.#wanted === "change";
    if (!isChange && repeatMs !== null) return repeatMs;
    const upToMs = isChange ? jitterMs : Math.max(jitterMs, catchUpSpreadMs);
    const spacedMs = this.#spentMs - (refreshesAtOnce - 1) * spacingMs - clock.monotonicMs();
    return Math.max(random() * upToMs, spacedMs);
  }
}
