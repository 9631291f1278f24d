/**
 * Which failures of a spell are worth a line: each reason once, and one reminder an hour, however long it
 * lasts (reliability B25). It logs nothing itself.
 */
import { UpstreamError, type UpstreamErrorCode } from "../models/errors.ts";
import type { Clock } from "./clock.ts";

export const reminderIntervalMs = 3_600_000;

export class FailureSpell {
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** The reasons this spell was warned of: two that alternate are two lines, not one each time. */
  readonly #warnedReasons = new Set<UpstreamErrorCode | "bug">();
  #lastWarningMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /**
   * A request refused while the circuit is open is no news: the failures that opened it were warned of.
   * @param error an `UpstreamError`; anything else is a bug
   * @returns whether it is to be warned of, which counts as done
   */
  isNews(error: unknown): boolean {
    const reason = error instanceof UpstreamError ? error.code : "bug";
    const nowMs = this.#clock.monotonicMs();
    if (reason === "circuit_open") return false;
    if (nowMs - this.#lastWarningMs < reminderIntervalMs && this.#warnedReasons.has(reason)) return false;
    this.#warnedReasons.add(reason);
    this.#lastWarningMs = nowMs;
    return true;
  }

  /** All is well again. @returns whether anything was warned of */
  end(): boolean {
    const hadWarned = this.#warnedReasons.size > 0;
    this.#warnedReasons.clear();
    return hadWarned;
  }
}
