/** The section `realtime`: which defaults hold where, and what is a fault. */
import { expect, it, test } from "vitest";
import { faultsOf, load, pair } from "./config-folder.ts";

const hosted = "https://edge.api.flagsmith.com/api/v1";
const base = { environment_key_pairs: [pair] };
const eventsOf = (more: object) => load({ ...base, ...more }).settings.upstreamEvents;

it.each([
  ["the hosted API has its streams", {}, "https://realtime.flagsmith.com/"],
  ["also where it is named", { api_url: `${hosted}/` }, "https://realtime.flagsmith.com/"],
  ["another API has none", { api_url: "https://flags.test/api/v1" }, undefined],
  ["nor has a look-alike", { api_url: `${hosted}/more` }, undefined],
  ["off is none", { realtime: { url: " OFF " } }, undefined],
  ["offline there are none", { offline: true }, undefined],
  ["a URL is taken, with a slash", { realtime: { url: "https://sse.test/a" } }, "https://sse.test/a/"],
  ["slashes at its end are one", { realtime: { url: "https://sse.test///" } }, "https://sse.test/"],
])("%s", (_name, more, url) => {
  expect(eventsOf(more)?.url).toBe(url);
});

it("gives the defaults of realtime, in milliseconds", () => {
  const { settings } = load(base);
  expect(settings.upstreamEvents).toEqual({
    url: "https://realtime.flagsmith.com/",
    pollIntervalMs: 60_000,
    catchUpSpreadMs: 5000,
    silenceMsMax: 60_000,
    eventBytesMax: 65_536,
    reconnectMinMs: 1000,
    reconnectMaxMs: 60_000,
  });
  expect(settings.refreshJitterMs).toBe(100);
});

it("the pace beside a stream is that of the settings, whatever the usual one is at the start", () => {
  const more = { api_poll_frequency_seconds: 300, realtime: { poll_frequency_seconds: 20 } };
  expect(eventsOf(more)?.pollIntervalMs).toBe(20_000);
});

test.each([
  [{ url: "realtime.test" }, "realtime.url: expected an http:// or https:// URL."],
  [{ url: "https://a:b@realtime.test" }, "realtime.url: the URL holds credentials."],
  [{ reconnect_min_seconds: 61 }, "realtime.reconnect_min_seconds: it is longer than"],
  [{ event_bytes_max: 10 }, "realtime.event_bytes_max: expected a whole number from 1024"],
  [{ catch_up_spread_seconds: 61 }, "realtime.catch_up_spread_seconds: expected a number from 0 to 60"],
  [{ silence_seconds: 0 }, "realtime.silence_seconds: expected a number from 0.1 to 1000000"],
  [{ keep_alive_seconds: 0.09 }, "realtime.keep_alive_seconds: expected a number from 0.1 to 1000000"],
  [{ stream_lifetime_seconds: 1e-300 }, "realtime.stream_lifetime_seconds: expected a number from 0.1"],
  [{ poll_frequency_seconds: 0.09 }, "realtime.poll_frequency_seconds: expected a number from 0.1"],
  [{ reconnect_min_seconds: 0.009 }, "realtime.reconnect_min_seconds: expected a number from 0.01"],
  [{ reconnect_max_seconds: 0.009 }, "realtime.reconnect_max_seconds: expected a number from 0.01"],
])("realtime %j is a fault", (realtime, fault) => {
  const faults = faultsOf({ ...base, realtime });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(fault);
});
