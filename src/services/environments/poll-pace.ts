/**
 * When a poller refreshes next: after the usual wait, a longer one while the upstream tells of changes by
 * itself, or at once where somebody asks. It refreshes nothing.
 */
import type { PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import { PollPause } from "./poll-pause.ts";
import { pollWaitMs, type RefreshOutcome } from "./poll-wait.ts";

export interface PollPaceOptions {
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Asked for each wait, and again where they have changed meanwhile. */
  readonly settings: () => PollSettings;
  /** Aborts where nothing is waited for any more, not even what the upstream has asked for. */
  readonly stop: AbortSignal;
}

/** Of one environment; owned by its poller. */
export class PollPace {
  readonly #options: PollPaceOptions;
  readonly #pause: PollPause;
  #slowMs: number | null = null;

  constructor(options: PollPaceOptions) {
    this.#options = options;
    this.#pause = new PollPause(options.clock);
  }

  /** What is to follow a success now, in milliseconds; null: the usual interval. */
  get slowMs(): number | null {
    const { intervalMs } = this.#options.settings();
    return this.#slowMs !== null && this.#slowMs > intervalMs ? this.#slowMs : null;
  }

  /** @param intervalMs what is to follow successes; null, or less than the usual interval: the usual one */
  set(intervalMs: number | null): void {
    this.#slowMs = intervalMs;
    if (this.slowMs === null) this.#pause.retime();
  }

  /** The next wait may be ended from now on, also before it begins. */
  begin(): void {
    this.#pause.renew();
  }

  /** Ends the wait, but for what the upstream has asked for. */
  wake(): void {
    this.#pause.end();
  }

  /** The settings have changed: the wait is as long as they say, counted from its start. */
  retime(): void {
    this.#pause.retime();
  }

  /**
   * Waits until the next refresh is due, or is wanted; in any case as long as the upstream has asked for
   * (`Retry-After`). Where the pace is the usual one again meanwhile, what is left of a long wait is at most
   * a usual one.
   *
   * @param outcome of the refresh that has just ended
   * @param promisedMs the wait that health was told of; null: the usual one
   * @returns how many usual intervals the wait stood for, at least 1
   */
  async wait(outcome: RefreshOutcome, promisedMs: number | null): Promise<number> {
    const { clock, random, settings, stop } = this.#options;
    const startMs = clock.monotonicMs();
    const drawn = random();
    const { error } = outcome;
    // A refused request of the circuit breaker asked nobody, and nobody asked it to wait.
    const askedMs = error?.code === "circuit_open" ? 0 : (error?.retryAfterMs ?? 0);
    if (askedMs > 0) await clock.sleep(askedMs, stop);
    const isLong = promisedMs !== null && outcome.consecutiveFailures === 0;
    await this.#pause.rest(() => {
      const usualMs = Math.max(0, pollWaitMs(outcome, settings(), drawn) - askedMs);
      if (!isLong) return usualMs;
      const longMs = pollWaitMs(outcome, { ...settings(), intervalMs: promisedMs }, drawn);
      return this.slowMs === null ? Math.min(longMs, clock.monotonicMs() - startMs + usualMs) : longMs;
    });
    if (!isLong) return 1;
    return Math.max(1, Math.floor((clock.monotonicMs() - startMs) / settings().intervalMs));
  }
}
