/** How the refreshes of one environment go: what the control plane tells of it, and health shows. */
import { UpstreamError, type UpstreamErrorCode } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";

/** Replaced as a whole after each refresh. */
export interface RefreshStatus {
  /** `archived`: what the last process served is served, and the upstream has not confirmed it yet. */
  readonly state: "waiting" | "archived" | "fresh" | "failing";
  /** Null unless refreshes fail, and null while they fail by a bug. */
  readonly reason: UpstreamErrorCode | null;
  /** When the last finished refresh began. */
  readonly lastAttemptTime: Date | null;
  /** When the held document was last confirmed to be the upstream's. */
  readonly lastSuccessTime: Date | null;
  /** The same moment on the monotonic clock, for staleness (contract A7). */
  readonly lastSuccessMonotonicMs: number | null;
  /**
   * On that clock, since when the first document of an environment is awaited that came while all others were
   * served; null for the others.
   */
  readonly joinedMonotonicMs: number | null;
  readonly consecutiveFailures: number;
  /** How long after the last success the next poll was due; null: the interval of the settings. */
  readonly pollIntervalMs: number | null;
}

/** Before the first refresh has ended, and without an archived document. */
export const neverRefreshed: RefreshStatus = {
  state: "waiting",
  reason: null,
  lastAttemptTime: null,
  lastSuccessTime: null,
  lastSuccessMonotonicMs: null,
  joinedMonotonicMs: null,
  consecutiveFailures: 0,
  pollIntervalMs: null,
};

/** As `neverRefreshed`, of one that has come while all others were served. */
export function joinedStatus(clock: Pick<Clock, "monotonicMs">): RefreshStatus {
  return { ...neverRefreshed, joinedMonotonicMs: clock.monotonicMs() };
}

/** @param confirmedAt when the upstream last said that the archived document was its own */
export function archivedStatus(confirmedAt: Date, clock: Clock): RefreshStatus {
  // The wall clock may have been set back since.
  const ageMs = Math.max(0, clock.wallTime().getTime() - confirmedAt.getTime());
  return {
    ...neverRefreshed,
    state: "archived",
    lastSuccessTime: confirmedAt,
    lastSuccessMonotonicMs: clock.monotonicMs() - ageMs,
  };
}

/**
 * After a refresh that went well.
 * @param startTime when it began
 * @param pollIntervalMs of the next one; null: the usual
 */
export function freshStatus(startTime: Date, clock: Clock, pollIntervalMs: number | null): RefreshStatus {
  return {
    state: "fresh",
    reason: null,
    lastAttemptTime: startTime,
    lastSuccessTime: clock.wallTime(),
    lastSuccessMonotonicMs: clock.monotonicMs(),
    joinedMonotonicMs: null,
    consecutiveFailures: 0,
    pollIntervalMs,
  };
}

/**
 * After one that failed: what is archived stays so.
 * @param error an `UpstreamError`; anything else is a bug
 */
export function failedStatus(before: RefreshStatus, error: unknown, startTime: Date): RefreshStatus {
  return {
    ...before,
    state: before.state === "archived" ? "archived" : "failing",
    reason: error instanceof UpstreamError ? error.code : null,
    lastAttemptTime: startTime,
    consecutiveFailures: before.consecutiveFailures + 1,
  };
}
