/**
 * Upstream settings for tests: the defaults, with short limits. It must not be used where a default is
 * tested.
 */
import type { UpstreamError } from "../../src/models/errors.ts";
import type { UpstreamSettings } from "../../src/models/settings.ts";
import { systemClock } from "../../src/services/clock.ts";
import { UpstreamClient } from "../../src/services/upstream/upstream-client.ts";

/** A breaker that never opens, unless a test lowers `breakerFailuresMax`. */
export function upstreamSettings(changes: Partial<UpstreamSettings> = {}): UpstreamSettings {
  return {
    apiUrl: "http://127.0.0.1:9/api/v1",
    proxyKey: null,
    requestTimeoutMs: 2000,
    documentTimeoutMs: 5000,
    documentBytesMax: 1_000_000,
    pagesMax: 10,
    redirectsMax: 3,
    connectionsMax: 4,
    retryAfterMaxMs: 60_000,
    breakerFailuresMax: 1_000_000,
    breakerProbeIntervalMs: 1000,
    holdsBackShrunk: true,
    caCertificates: null,
    clientCertificate: null,
    httpProxy: null,
    httpsProxy: null,
    noProxy: null,
    ...changes,
  };
}

/** A client on the machine's clock. */
export function createClient(changes: Partial<UpstreamSettings>): UpstreamClient {
  return new UpstreamClient({ settings: upstreamSettings(changes), userAgent: "test/1", clock: systemClock });
}

/** What the promise was rejected with; fails the test where it was not. */
export async function failureOf(promise: Promise<unknown>): Promise<UpstreamError> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => ({ error }),
  );
  if (outcome === null) throw new Error("expected a rejection");
  return outcome.error as UpstreamError;
}
