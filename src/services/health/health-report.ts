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

/** The discovery of environments, as health sees it. */
export type DiscoverySource = Omit<HealthSource, "environmentId">;

interface RefreshHealth {
  readonly state: RefreshStatus["state"] | "stale";
  readonly reason: UpstreamErrorCode | "not_polled" | null;
  readonly last_successful_update: string | null;
  readonly last_attempt: string | null;
  readonly consecutive_failures: number;
}

interface EnvironmentHealth extends RefreshHealth {
  readonly id: number | null;
}

/** The body of the health endpoints. The first three members are what both other proxies answer. */
export interface HealthReport {
  readonly status: "ok" | "error";
  readonly reason: string | null;
  readonly last_successful_update: string | null;
  readonly environments: readonly EnvironmentHealth[];
  /** Only where there is a discovery. */
  readonly discovery?: RefreshHealth;
}

export interface HealthOptions {
  readonly settings: HealthSettings;
  /** Of environments whose status names no other. */
  readonly pollIntervalMs: number;
  readonly clock: Clock;
  readonly sources: () => readonly HealthSource[];
  /** Null, as without it: environments are not discovered. */
  readonly discovery?: () => DiscoverySource | null;
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
  const environments = options.sources();
  const discovery = options.discovery?.() ?? null;
  const graceMs = graceOf(options.settings, environments.length);
  const nowMs = options.clock.monotonicMs();
  const intervalMs = ({ refresh }: DiscoverySource) => refresh.pollIntervalMs ?? options.pollIntervalMs;
  const isStale = (source: DiscoverySource): boolean => {
    const sinceMs = source.refresh.lastSuccessMonotonicMs ?? source.refresh.joinedMonotonicMs;
    return sinceMs !== null && nowMs - sinceMs > intervalMs(source) + graceMs;
  };
  const any = options.settings.policy === "any";
  // With `all` discovery is one more part of the whole (contract B 4.2).
  const sources = any || discovery === null ? environments : [...environments, discovery];
  const updated = sources.filter(({ refresh }) => refresh.lastSuccessTime !== null);
  // One that has come while all others were served makes the whole no less updated, until it is late.
  const joined = any ? [] : sources.filter(({ refresh }) => refresh.joinedMonotonicMs !== null);
  const known = [...updated, ...joined];
  const fresh = known.filter((source) => !isStale(source));
  // With `all` the whole is as old as its oldest part; with `any`, as young as its youngest.
  const isUpdated = any ? known.length > 0 : known.length === sources.length && sources.length > 0;
  const isFresh = any ? fresh.length > 0 : fresh.length === sources.length;
  const ofDocuments = isUpdated ? (isFresh ? null : "stale") : "notUpdated";
  const ofProcesses = options.isDraining() ? "draining" : options.isServing() ? null : "notServing";
  const reason = ofProcesses ?? ofDocuments;
  const healthOf = (source: DiscoverySource): RefreshHealth =>
    refreshHealth(source, isStale(source), isPolled(source, nowMs, intervalMs(source)));
  return {
    status: reason === null ? "ok" : "error",
    reason: reason === null ? null : reasons[reason],
    last_successful_update: isUpdated ? overallTime(updated, any) : null,
    environments: environments.map((source) => ({ id: source.environmentId, ...healthOf(source) })),
    ...(discovery === null ? {} : { discovery: healthOf(discovery) }),
  };
}

/**
 * For each environment, beside the poll interval, as proxy-py has it; without a grace for ever. Where
 * discovery has found none, it is itself what may be late.
 */
function graceOf({ gracePeriodMs }: HealthSettings, environments: number): number {
  return gracePeriodMs === null ? Number.POSITIVE_INFINITY : gracePeriodMs * Math.max(1, environments);
}

function overallTime(updated: readonly DiscoverySource[], latest: boolean): string | null {
  if (updated.length === 0) return null;
  const times = updated.map(({ refresh }) => refresh.lastSuccessTime?.getTime() ?? 0);
  const time = times.reduce((left, right) => (latest ? Math.max(left, right) : Math.min(left, right)));
  return new Date(time).toISOString();
}

/** False where what is known of the refreshes is old: else an environment could stay fresh for ever. */
function isPolled(source: DiscoverySource, nowMs: number, intervalMs: number): boolean {
  const { controlPlaneHeardMs: heardMs, refresh } = source;
  if (heardMs !== null && nowMs - heardMs > controlPlaneSilenceMsMax) return false;
  const freshSinceMs = refresh.state === "fresh" ? refresh.lastSuccessMonotonicMs : null;
  return freshSinceMs === null || nowMs - freshSinceMs <= 2 * intervalMs + refreshMsMax;
}

function refreshHealth({ refresh }: DiscoverySource, stale: boolean, polled: boolean): RefreshHealth {
  return {
    state: stateOf(refresh, stale, polled),
    reason: polled ? refresh.reason : "not_polled",
    last_successful_update: refresh.lastSuccessTime?.toISOString() ?? null,
    last_attempt: refresh.lastAttemptTime?.toISOString() ?? null,
    consecutive_failures: refresh.consecutiveFailures,
  };
}

function stateOf(refresh: RefreshStatus, stale: boolean, polled: boolean): RefreshHealth["state"] {
  const { lastSuccessTime, state } = refresh;
  // No poll of this process has succeeded yet.
  if (lastSuccessTime === null || state === "archived") return state;
  if (stale) return "stale";
  return polled ? state : "failing";
}
