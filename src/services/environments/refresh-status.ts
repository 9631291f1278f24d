/** How the refreshes of one environment go: what the control plane tells of it, and health shows. */
import type { UpstreamErrorCode } from "../../models/errors.ts";

/** Replaced as a whole after each refresh. */
export interface RefreshStatus {
  readonly state: "waiting" | "fresh" | "failing";
  /** Null unless failing, and null while failing by a bug. */
  readonly reason: UpstreamErrorCode | null;
  /** When the last finished refresh began. */
  readonly lastAttemptTime: Date | null;
  /** When the held document was last confirmed to be the upstream's. */
  readonly lastSuccessTime: Date | null;
  /** The same moment on the monotonic clock, for staleness (contract A7). */
  readonly lastSuccessMonotonicMs: number | null;
  readonly consecutiveFailures: number;
}

export const neverRefreshed: RefreshStatus = {
  state: "waiting",
  reason: null,
  lastAttemptTime: null,
  lastSuccessTime: null,
  lastSuccessMonotonicMs: null,
  consecutiveFailures: 0,
};
