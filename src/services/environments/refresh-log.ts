/**
 * The log lines of one environment's refreshes: one for each change of state and a reminder an hour, however
 * long an outage lasts (reliability B25). It must never log a key, a header or a text of the upstream.
 */
import { UpstreamError, type UpstreamErrorCode } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";
import { FailureSpell, reminderIntervalMs } from "../failure-spell.ts";
import type { Logger } from "../service-logger.ts";
import { nextActions } from "../upstream/next-actions.ts";

/** What fails here, not on the network: undici's errors are not for logs. */
const causeIsShown: ReadonlySet<UpstreamErrorCode> = new Set([
  "document_invalid",
  "reader_failed",
  "too_large",
]);

/** Owned by one poller. */
export class RefreshLog {
  readonly #label: () => string;
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #nextAction: (code: UpstreamErrorCode) => string;
  readonly #spell: FailureSpell;
  #lastSlowWarningMs = Number.NEGATIVE_INFINITY;

  /**
   * @param label the environment as logs name it now; holds no whole key
   * @param nextAction what is done about a failure, in one sentence; by default what is said of an upstream
   */
  constructor(
    label: () => string,
    logger: Logger,
    clock: Pick<Clock, "monotonicMs">,
    nextAction = (code: UpstreamErrorCode) => nextActions[code],
  ) {
    this.#label = label;
    this.#logger = logger;
    this.#clock = clock;
    this.#nextAction = nextAction;
    this.#spell = new FailureSpell(clock);
  }

  /** A refresh succeeded. */
  succeeded(failuresBefore: number): void {
    if (!this.#spell.end()) return;
    this.#logger.info(
      { environment: this.#label(), failures: failuresBefore },
      "The environment is being refreshed again",
    );
  }

  /**
   * A refresh failed.
   * @param error an `UpstreamError`; anything else is a bug, and its stack and causes are logged
   * @param consecutiveFailures this one included
   */
  failed(error: unknown, consecutiveFailures: number): void {
    if (!this.#spell.isNews(error)) return;
    const fields = { environment: this.#label(), failures: consecutiveFailures };
    if (!(error instanceof UpstreamError)) {
      this.#logger.error(
        { ...fields, err: error },
        "The refresh of the environment failed by a bug; polling goes on",
      );
      return;
    }
    const { code, message, cause } = error;
    this.#logger.warn(
      { ...fields, code, ...(causeIsShown.has(code) && cause instanceof Error ? { cause } : {}) },
      `The environment is not refreshed: ${message}. ${this.#nextAction(code)}`,
    );
  }

  /** A refresh took longer than the poll interval; said at most once an hour. */
  slow(durationMs: number, intervalMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastSlowWarningMs < reminderIntervalMs) return;
    this.#lastSlowWarningMs = nowMs;
    this.#logger.warn(
      { environment: this.#label(), durationMs: Math.round(durationMs), intervalMs },
      "A refresh took longer than the poll interval, so changes show late. Raise " +
        "api_poll_frequency_seconds, or look at the load of the upstream and the network to it.",
    );
  }
}
