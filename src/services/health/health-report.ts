/**
 * What health endpoints answer: staleness of each environment and of the whole, on the monotonic clock
 * (contract A7, B 3.1). It holds no name, no key and no text of the upstream.
 */
import type { UpstreamErrorCode } from "../../models/errors.ts";
import type { HealthSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { RefreshStatus } from "../environments/refresh-status.ts";

/** One served environment, as health sees it. */
export interface HealthSource {
  /** The document's id; null before the first document. */
  readonly environmentId: number | null;
  readonly refresh: RefreshStatus;
  /** When the process that polls was last heard, on the monotonic clock; null where it is this one. */
  readonly controlPlaneHeardMs: number | null;
}

interface EnvironmentHealth {
  readonly id: number | null;
  readonly state: RefreshStatus["state"] | "stale";
  readonly reason: UpstreamErrorCode | "not_polled" | null;
  readonly last_successful_update: string | null;
  readonly last_attempt: string | null;
  readonly consecutive_failures: number;
}

/** The body of the health endpoints. The first three members are what both other proxies answer. */
export interface HealthReport {
  readonly status: "ok" | "error";
  readonly reason: string | null;
  readonly last_successful_update: string | null;
  readonly environments: readonly EnvironmentHealth[];
}

export interface HealthOptions {
  readonly settings: HealthSettings;
  /** Of environments whose status names no other. */
  readonly pollIntervalMs: number;
  readonly clock: Clock;
  readonly sources: () => readonly HealthSource[];
  /** Whether any process answers requests. */
  readonly isServing: () => boolean;
  /** True from the moment a drain begins. */
  readonly isDraining: () => boolean;
}

const reasons = {
  notUpdated: "environment document(s) not updated.",
  stale: "environment document(s) stale.",
  draining: "the server is shutting down.",
  notServing: "no process answers requests.",
} as const;

/** The process that polls says once a second that it lives. */
const controlPlaneSilenceMsMax = 5000;
/** A large document takes its time: a confirmation is the last word for two poll intervals and this. */
const refreshMsMax = 60_000;

/** @returns the present report; its `status` decides between 200 and 503 */
export function reportHealth(options: HealthOptions): HealthReport {
  const sources = options.sources();
  const graceMs = graceOf(options.settings, sources.length);
  const nowMs = options.clock.monotonicMs();
  const intervalMs = ({ refresh }: HealthSource) => refresh.pollIntervalMs ?? options.pollIntervalMs;
  const isStale = (source: HealthSource): boolean => {
    const { lastSuccessMonotonicMs } = source.refresh;
    return lastSuccessMonotonicMs !== null && nowMs - lastSuccessMonotonicMs > intervalMs(source) + graceMs;
  };
  const updated = sources.filter(({ refresh }) => refresh.lastSuccessTime !== null);
  const fresh = updated.filter((source) => !isStale(source));
  const any = options.settings.policy === "any";
  // With `all` the whole is as old as its oldest part; with `any`, as young as its youngest.
  const isUpdated = any ? updated.length > 0 : updated.length === sources.length && sources.length > 0;
  const isFresh = any ? fresh.length > 0 : fresh.length === sources.length;
  const ofDocuments = isUpdated ? (isFresh ? null : "stale") : "notUpdated";
  const ofProcesses = options.isDraining() ? "draining" : options.isServing() ? null : "notServing";
  const reason = ofProcesses ?? ofDocuments;
  return {
    status: reason === null ? "ok" : "error",
    reason: reason === null ? null : reasons[reason],
    last_successful_update: isUpdated ? overallTime(updated, any) : null,
    environments: sources.map((source) =>
      environmentHealth(source, isStale(source), isPolled(source, nowMs, intervalMs(source))),
    ),
  };
}

/** For each environment, beside the poll interval, as proxy-py has it; without a grace for ever. */
function graceOf({ gracePeriodMs }: HealthSettings, environments: number): number {
  return gracePeriodMs === null ? Number.POSITIVE_INFINITY : gracePeriodMs * environments;
}

function overallTime(updated: readonly HealthSource[], latest: boolean): string | null {
  const times = updated.map(({ refresh }) => refresh.lastSuccessTime?.getTime() ?? 0);
  const time = times.reduce((left, right) => (latest ? Math.max(left, right) : Math.min(left, right)));
  return new Date(time).toISOString();
}

/** False where what is known of the refreshes is old: else an environment could stay fresh for ever. */
function isPolled(source: HealthSource, nowMs: number, intervalMs: number): boolean {
  const { controlPlaneHeardMs: heardMs, refresh } = source;
  if (heardMs !== null && nowMs - heardMs > controlPlaneSilenceMsMax) return false;
  const freshSinceMs = refresh.state === "fresh" ? refresh.lastSuccessMonotonicMs : null;
  return freshSinceMs === null || nowMs - freshSinceMs <= 2 * intervalMs + refreshMsMax;
}

function environmentHealth(
  { environmentId, refresh }: HealthSource,
  stale: boolean,
  polled: boolean,
): EnvironmentHealth {
  return {
    id: environmentId,
    state: stateOf(refresh, stale, polled),
    reason: polled ? refresh.reason : "not_polled",
    last_successful_update: refresh.lastSuccessTime?.toISOString() ?? null,
    last_attempt: refresh.lastAttemptTime?.toISOString() ?? null,
    consecutive_failures: refresh.consecutiveFailures,
  };
}

function stateOf({ state }: RefreshStatus, stale: boolean, polled: boolean): EnvironmentHealth["state"] {
  // No poll of this process has succeeded yet.
  if (state === "waiting" || state === "archived") return state;
  if (stale) return "stale";
  return polled ? state : "failing";
}
