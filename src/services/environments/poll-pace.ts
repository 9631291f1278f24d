/**
 * When a poller refreshes next: the usual wait, a longer one while the upstream tells of changes by itself,
 * or no wait where somebody asks. It refreshes nothing.
 */
import type { PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import { pollWaitMs, type RefreshOutcome } from "./poll-wait.ts";

export interface PollPaceOptions {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly settings: PollSettings;
}

/** Of one environment; owned by its poller. */
export class PollPace {
  readonly #options: PollPaceOptions;
  #wake = new AbortController();
  #hurry = new AbortController();
  #slowMs: number | null = null;

  constructor(options: PollPaceOptions) {
    this.#options = options;
  }

  /** What is to follow a success now, in milliseconds; null: the usual interval. */
  get slowMs(): number | null {
    return this.#slowMs;
  }

  /** @param intervalMs what is to follow successes; null, or less than the usual interval: the usual one */
  set(intervalMs: number | null): void {
    this.#slowMs = intervalMs !== null && intervalMs > this.#options.settings.intervalMs ? intervalMs : null;
    if (this.#slowMs === null) this.#hurry.abort();
  }

  /** The next wait may be ended from now on, also before it begins. */
  begin(): void {
    this.#wake = new AbortController();
  }

  /** Ends the wait. */
  wake(): void {
    this.#wake.abort();
  }

  /**
   * Waits until the next refresh is due, or is wanted. Where the pace is the usual one again meanwhile, what
   * is left of a long wait is at most a usual one.
   *
   * @param outcome of the refresh that has just ended
   * @param promisedMs the wait that health was told of; null: the usual one
   * @returns how many usual intervals it stood for, at least 1
   */
  async wait(outcome: RefreshOutcome, promisedMs: number | null): Promise<number> {
    const { clock, random, settings } = this.#options;
    const usualMs = pollWaitMs(outcome, settings, random());
    if (promisedMs === null || this.#slowMs === null || outcome.consecutiveFailures > 0) {
      await clock.sleep(usualMs, this.#wake.signal);
      return 1;
    }
    const startMs = clock.monotonicMs();
    const longMs = pollWaitMs(outcome, { ...settings, intervalMs: promisedMs }, random());
    this.#hurry = new AbortController();
    const hurry = this.#hurry.signal;
    await clock.sleep(longMs, AbortSignal.any([this.#wake.signal, hurry]));
    const leftMs = startMs + longMs - clock.monotonicMs();
    if (hurry.aborted) await clock.sleep(Math.max(0, Math.min(leftMs, usualMs)), this.#wake.signal);
    return Math.max(1, Math.floor((clock.monotonicMs() - startMs) / settings.intervalMs));
  }
}
