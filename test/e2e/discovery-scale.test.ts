/** A thousand environments that are discovered at once: the upstream sees no more than the settings allow. */
import { expect, it } from "vitest";
import { documentOfKey, listed } from "../support/discovered.ts";
import { discoveryPath, type FaultUpstream, proxyKey } from "../support/fault-upstream.ts";
import { eventually, getFlags, startProxy } from "../support/running-proxy.ts";

const environments = 1000;
/** Two of them are for the list and usage. */
const concurrencyMax = 7;
const intervalSeconds = 6;

/** Lists these environments; each document takes so long. */
function serve(upstream: FaultUpstream, names: readonly string[], delayMs: number): void {
  for (const name of names) {
    upstream.setDocument(`ser.${name}`, documentOfKey(name));
    upstream.setMode(`ser.${name}`, "ok", { delayMs });
  }
  upstream.setDocument(
    discoveryPath,
    names.map((name) => listed(name, `ser.${name}`)),
  );
}

it("a thousand polls are spread, and no more run at once than the settings allow", async () => {
  await using proxy = await startProxy({
    document: null,
    config: {
      environment_key_pairs: [],
      proxy_key: proxyKey,
      api_poll_frequency_seconds: intervalSeconds,
      api_poll_timeout_seconds: 20,
      polling: { concurrency_max: concurrencyMax, jitter_ratio: 0.1 },
      upstream: { connections_max: 50 },
    },
  });
  const { upstream, url } = proxy;
  const names = Array.from({ length: environments }, (_, index) => `environment_${index}`);
  serve(upstream, names, 2);
  const isServed = async (name: string) => (await getFlags(url, name)).status === 200;
  await eventually(() => isServed(names[0] ?? ""), 20_000);
  await eventually(() => upstream.requests(`ser.${names.at(-1)}`).length > 0, 60_000);
  for (const name of names) await eventually(() => isServed(name));
  expect(upstream.concurrencyMax).toBeGreaterThanOrEqual(concurrencyMax - 2);
  expect(upstream.concurrencyMax).toBeLessThanOrEqual(concurrencyMax);

  // Once each has been polled at its own moment, no part of an interval is without polls. Together, they
  // would all be polled in that part of it which the first round took.
  const intervalMs = intervalSeconds * 1000;
  await new Promise((resolve) => setTimeout(resolve, 1.5 * intervalMs));
  upstream.forgetRequests();
  await new Promise((resolve) => setTimeout(resolve, intervalMs));
  const startMs = upstream.requests()[0]?.time.getTime() ?? 0;
  const pollsByTenth = new Array<number>(10).fill(0);
  for (const { time, headers } of upstream.requests()) {
    const tenth = Math.floor((10 * (time.getTime() - startMs)) / intervalMs);
    if (headers["x-environment-key"] !== undefined) pollsByTenth[tenth] = (pollsByTenth[tenth] ?? 0) + 1;
  }
  expect(pollsByTenth.slice(0, 9).filter((polls) => polls < environments / 200)).toEqual([]);
}, 120_000);

it("asking for the list and reporting usage take a place of polls where there is one", async () => {
  await using proxy = await startProxy({
    document: null,
    config: {
      environment_key_pairs: [],
      proxy_key: proxyKey,
      usage_flush_interval_seconds: 1,
      polling: { concurrency_max: 1, jitter_ratio: 0 },
    },
  });
  const { upstream, url } = proxy;
  const names = ["one", "two", "three"];
  serve(upstream, names, 20);
  for (const name of names) await eventually(async () => (await getFlags(url, name)).status === 200);
  await eventually(() => upstream.usage.length > 0);
  await eventually(() => upstream.requests("ser.three").length > 20);
  expect(upstream.concurrencyMax).toBe(1);
});

it("documents that hang hold up neither the list nor usage", async () => {
  await using proxy = await startProxy({
    document: null,
    config: {
      environment_key_pairs: [],
      proxy_key: proxyKey,
      api_poll_frequency_seconds: 0.5,
      api_poll_timeout_seconds: 20,
      usage_flush_interval_seconds: 1,
      polling: { concurrency_max: 3 },
    },
  });
  const { upstream, url } = proxy;
  const names = Array.from({ length: 20 }, (_, index) => `environment_${index}`);
  const last = names.at(-1) ?? "";
  serve(upstream, names, 0);
  for (const name of names) await eventually(async () => (await getFlags(url, name)).status === 200);
  for (const name of names) upstream.setMode(`ser.${name}`, "hang-headers");
  // Until all that may be asked hang.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const before = upstream.usage.length;
  serve(upstream, names.slice(0, -1), 0);
  for (const name of names) upstream.setMode(`ser.${name}`, "hang-headers");
  await getFlags(url, names[0]);
  await eventually(async () => (await getFlags(url, last)).status === 401);
  await eventually(() => upstream.usage.length > before);
});
