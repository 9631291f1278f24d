/**
 * Poller and client together against the fault upstream, over real sockets: each fault is survived and named.
 */
import { expect, test } from "vitest";
import { UpstreamError, type UpstreamErrorCode } from "../../../src/models/errors.ts";
import { systemClock } from "../../../src/services/clock.ts";
import { EnvironmentPoller } from "../../../src/services/environments/environment-poller.ts";
import { createRefreshLimiter } from "../../../src/services/environments/refresh-limiter.ts";
import type { FaultMode, FaultOptions } from "../../support/fault-modes.ts";
import { type FaultUpstream, startFaultUpstream } from "../../support/fault-upstream.ts";
import { fetchedText } from "../../support/packed-text.ts";
import { createClient } from "../../support/upstream-settings.ts";

const serverKey = "ser.one";
const quiet = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};

/**
 * What is served for an environment, as the publisher would leave it: a document without an id is refused.
 */
function startPolling(upstream: FaultUpstream, changes: Parameters<typeof createClient>[0] = {}) {
  const client = createClient({
    apiUrl: upstream.apiUrl,
    requestTimeoutMs: 150,
    breakerProbeIntervalMs: 20,
    ...changes,
  });
  const served: string[] = [];
  const poller = new EnvironmentPoller({
    label: () => "one",
    serverKey: () => serverKey,
    upstream: client,
    publish: async (fetched) => {
      const text = fetchedText(fetched);
      if (!text.includes('"id"')) return { refusal: new UpstreamError("document_invalid", "no id") };
      // A mode that ends between two pages leaves the same text in two pages, which are other bytes.
      if (text !== served.at(-1)) served.push(text);
      return { updatedAt: null };
    },
    limiter: createRefreshLimiter(2),
    clock: systemClock,
    random: () => 0,
    logger: quiet,
    settings: () => ({
      intervalMs: 30,
      jitterRatio: 0,
      concurrencyMax: 2,
      unconditionalEveryPolls: 5,
      retryMinMs: 10,
      retryMaxMs: 30,
    }),
  });
  poller.start();
  return {
    poller,
    served,
    async [Symbol.asyncDispose]() {
      await poller[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

const faults: readonly (readonly [FaultMode | number, UpstreamErrorCode, FaultOptions])[] = [
  ["hang-headers", "timeout", {}],
  ["drip", "timeout", {}],
  [503, "server_error", {}],
  [403, "key_rejected", {}],
  ["truncated-length", "connection_lost", {}],
  ["html", "not_json", {}],
  ["body", "not_json", { body: "[]" }],
  ["body", "document_invalid", { body: "{}" }],
  ["gzip-bomb", "too_large", {}],
  ["redirect-loop", "redirect_refused", {}],
  ["link-loop", "page_refused", {}],
];

test("the last good document outlives every fault, and a change shows after each", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, { id: 0 });
  await using polling = startPolling(upstream);
  await expect.poll(() => polling.served).toEqual(['{"id":0}']);
  for (const [index, [mode, code, options]] of faults.entries()) {
    upstream.setMode(serverKey, mode, options);
    await expect.poll(() => polling.poller.status.reason, { message: String(mode) }).toBe(code);
    expect(polling.served.at(-1)).toBe(`{"id":${index}}`);
    upstream.setDocument(serverKey, { id: index + 1 });
    upstream.setMode(serverKey, "ok");
    await expect.poll(() => polling.served.at(-1), { message: String(mode) }).toBe(`{"id":${index + 1}}`);
  }
  expect(polling.served).toHaveLength(faults.length + 1);
}, 60_000);

test("a fresh start against an upstream that is down ends when it is up, breaker or not", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, { id: 1 });
  await upstream.refuse();
  await using polling = startPolling(upstream, { breakerFailuresMax: 2 });
  await expect.poll(() => polling.poller.status.consecutiveFailures).toBeGreaterThan(6);
  await upstream.accept();
  await expect.poll(() => polling.served).toEqual(['{"id":1}']);
});

test("a change in the second of the last fetch is not missed", async () => {
  await using upstream = await startFaultUpstream();
  const second = new Date();
  upstream.setDocument(serverKey, { id: 1 }, second);
  await using polling = startPolling(upstream);
  await expect.poll(() => polling.served).toEqual(['{"id":1}']);
  upstream.setDocument(serverKey, { id: 2 }, second);
  await expect.poll(() => polling.served).toEqual(['{"id":1}', '{"id":2}']);
});
