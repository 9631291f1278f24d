/**
 * What is asked of the upstream with the proxy key, each in a place of its own: so the upstream never sees
 * more at the same time than `polling.concurrency_max`. It asks nothing by itself.
 */
import type { UpstreamClient } from "../upstream/upstream-client.ts";
import { runInPlace, type UpstreamPlaces } from "./refresh-limiter.ts";

export type ProxyKeyUpstream = Pick<UpstreamClient, "fetchEnvironments" | "sendUsage">;

/** @returns an upstream whose calls wait for a place; a signal that aborts ends that wait too */
export function limitedUpstream(
  upstream: ProxyKeyUpstream,
  { list, usage }: Pick<UpstreamPlaces, "list" | "usage">,
): ProxyKeyUpstream {
  const never = new AbortController().signal;
  return {
    fetchEnvironments: (signal) =>
      runInPlace(() => upstream.fetchEnvironments(signal), list, signal ?? never),
    sendUsage: (batch, signal) => runInPlace(() => upstream.sendUsage(batch, signal), usage, signal ?? never),
  };
}
