/**
 * Which failures of a spell are worth a line: each reason once, and one reminder an hour, however long it
 * lasts (reliability B25). It logs nothing itself.
 */
import { UpstreamError, type UpstreamErrorCode } from "../models/errors.ts";
import type { Clock } from "./clock.ts";

/** From one line of a spell to the next that says nothing new. */
export const reminderIntervalMs = 3_600_000;
/** What fails by turns is warned of so often. */
const repeatIntervalMs = 180_000;

type Reason = UpstreamErrorCode | "bug";

export class FailureSpell {
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** The reasons this spell was warned of: two that alternate are two lines, not one each time. */
  readonly #warnedReasons = new Set<Reason>();
  /** When each reason was warned of last, in this spell or an earlier one. */
  readonly #lastWarnedMs = new Map<Reason, number>();
  #lastWarningMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /**
   * @param error an `UpstreamError`; anything else is a bug
   * @returns whether it is to be warned of, which counts as done
   */
  isNews(error: unknown): boolean {
    const reason = error instanceof UpstreamError ? error.code : "bug";
    const nowMs = this.#clock.monotonicMs();
    if (!this.#isDue(reason, nowMs)) return false;
    this.#warnedReasons.add(reason);
    this.#lastWarnedMs.set(reason, nowMs);
    this.#lastWarningMs = nowMs;
    return true;
  }

  /** Whether anything was warned of since all was well. */
  get isOn(): boolean {
    return this.#warnedReasons.size > 0;
  }

  /** All is well again. @returns whether anything was warned of */
  end(): boolean {
    const hadWarned = this.isOn;
    this.#warnedReasons.clear();
    return hadWarned;
  }

  /**
   * A request refused while the circuit is open is no news: the failures that opened it were warned of. Nor
   * is a reason that comes back soon after its spell: a new one is told at once, an old one in its turn.
   */
  #isDue(reason: Reason, nowMs: number): boolean {
    if (reason === "circuit_open") return false;
    if (nowMs - this.#lastWarningMs >= reminderIntervalMs) return true;
    if (this.#warnedReasons.has(reason)) return false;
    const lastWarnedMs = this.#lastWarnedMs.get(reason) ?? Number.NEGATIVE_INFINITY;
    return nowMs - lastWarnedMs >= reminderIntervalMs || nowMs - this.#lastWarningMs >= repeatIntervalMs;
  }
}
