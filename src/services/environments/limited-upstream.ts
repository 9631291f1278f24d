/**
 * What is asked of the upstream with the proxy key, within the cap on refreshes: so the upstream never sees
 * more at the same time than `polling.concurrency_max`. It asks nothing by itself.
 */
import type { UpstreamClient } from "../upstream/upstream-client.ts";
import { type RefreshLimiter, runInPlace } from "./refresh-limiter.ts";

export type ProxyKeyUpstream = Pick<UpstreamClient, "fetchEnvironments" | "sendUsage">;

/** @returns an upstream whose calls wait for a place; a signal that aborts ends that wait too */
export function limitedUpstream(upstream: ProxyKeyUpstream, limiter: RefreshLimiter): ProxyKeyUpstream {
  const never = new AbortController().signal;
  return {
    fetchEnvironments: (signal) =>
      runInPlace(() => upstream.fetchEnvironments(signal), limiter, signal ?? never),
    sendUsage: (batch, signal) =>
      runInPlace(() => upstream.sendUsage(batch, signal), limiter, signal ?? never),
  };
}
