/** What the process writes: lines that machines can read, and never a key, whatever happens (F3). */
import { expect, it } from "vitest";
import type { FaultMode } from "../support/fault-modes.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { RawConnection } from "../support/raw-client.ts";
import { startRealtimeUpstream } from "../support/realtime-upstream.ts";
import {
  configFor,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  getFlags,
  logRecords,
  type ProxyProcess,
  postIdentity,
  realtimeDocumentText,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";

const secretClientKey = "client_key_SECRETabcdefgh";
const secretServerKey = "ser.SECRETserverkeyijklmnop";
const otherKey = "ser.SECRETother_qrstuvwx";
const pairs = [{ client_side_key: secretClientKey, server_side_key: secretServerKey }];
const documentText = (banner: string) =>
  demoDocumentWith({ banner_text: banner }).replaceAll("demo_client_key", secretClientKey);

const faults: readonly (FaultMode | number)[] = [
  500,
  401,
  403,
  404,
  429,
  "html",
  "wrong-type",
  "not-utf8",
  "hang-headers",
  "drip",
  "truncated-length",
  "truncated-chunk",
  "reset-mid-body",
  "reset",
  "gzip-bomb",
  "encoding-chain",
  "too-big",
  "redirect-cross",
  "redirect-loop",
  "link-cross",
  "link-loop",
  "link-many",
  "not-modified-always",
];

function expectNoSecret(proxy: ProxyProcess): void {
  for (const output of [proxy.stdout(), proxy.stderr()]) {
    for (const key of [secretClientKey, secretServerKey, otherKey]) {
      // Nor most of one.
      expect(output).not.toContain(key.slice(0, -4));
    }
    expect(output).not.toContain("secret upstream text");
  }
}

it.concurrent.each(["json", "generic"])(
  "no key is in the %s logs, through all faults of the upstream",
  async (log_format) => {
    await using upstream = await startFaultUpstream();
    upstream.setDocument(secretServerKey, documentText("first"));
    const config = configFor(upstream, {
      environment_key_pairs: pairs,
      logging: { log_format, log_level: "NOTSET", enable_access_log: true },
      upstream: { pages_max: 5, breaker_failures_max: 1_000_000, document_bytes_max: 1_000_000 },
      api_poll_timeout_seconds: 0.1,
      polling: { jitter_ratio: 0, unconditional_every_polls: 1 },
    });
    await using proxy = startProxyProcess({ config });
    const url = await proxy.url();
    await eventually(async () => (await getFlags(url, secretClientKey)).status === 200);
    for (const mode of faults) {
      const body =
        typeof mode === "number" ? { body: `no ${secretServerKey} here: secret upstream text` } : {};
      const to = `http://user:${secretServerKey}@127.0.0.1:9/?key=${secretServerKey}`;
      upstream.setMode(secretServerKey, mode, { bytes: 2_000_000, to, ...body });
      upstream.forgetRequests();
      await eventually(() => upstream.requests(secretServerKey).length > 1);
      expect((await getFlags(url, secretClientKey)).status).toBe(200);
    }
    for (const key of [secretServerKey, otherKey]) await postIdentity(url, "not JSON", key);
    await fetch(`${url}/api/v1/flags/?key=${secretServerKey}`);
    await upstream.refuse();
    proxy.kill("SIGTERM");
    expect((await proxy.exit).code).toBe(0);
    expect(proxy.stdout()).toContain("request");
    expectNoSecret(proxy);
  },
);

it.concurrent("a key in a path is not logged either: that of a client stream holds one", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(secretServerKey, documentText("first"));
  const logging = { enable_access_log: true };
  const config = configFor(upstream, { environment_key_pairs: pairs, logging });
  await using proxy = startProxyProcess({ config });
  const url = await proxy.url();
  await using connection = await RawConnection.open(Number(new URL(url).port));
  connection.send(
    `GET /sse/environments/${secretClientKey}/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  await eventually(() => connection.unread.includes("HTTP/1.1"));
  connection.end();
  proxy.kill("SIGTERM");
  await proxy.exit;
  expect(proxy.stdout()).toContain('"path":"/sse/');
  expectNoSecret(proxy);
});

it.concurrent("a faulty configuration shows no key", async () => {
  const config = {
    environment_key_pairs: [
      ...pairs,
      ...pairs,
      { client_side_key: secretServerKey, server_side_key: "SECRETserver" },
    ],
    proxy_key: `${otherKey}\n${otherKey}`,
    api_url: `http://user:${otherKey}@127.0.0.1`,
  };
  await using proxy = startProxyProcess({ config });
  expect((await proxy.exit).code).toBe(64);
  expect(proxy.stderr()).toContain("environment_key_pairs");
  expectNoSecret(proxy);
  expect(proxy.stderr()).not.toContain("SECRETserver");
});

it.concurrent("JSON logs are one object a line, with level, timestamp and message", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  const logging = { log_format: "json", log_event_field_name: "event", log_level: "DEBUG" };
  await using proxy = startProxyProcess({ config: configFor(upstream, { logging, unknown_setting: 1 }) });
  const url = await proxy.url();
  await eventually(async () => (await getFlags(url)).status === 200);
  upstream.setMode(serverKey, 500);
  await eventually(() => proxy.stdout().includes("server_error"));
  proxy.kill("SIGTERM");
  await proxy.exit;
  const lines = logRecords(proxy);
  expect(lines.length).toBeGreaterThan(4);
  for (const line of lines) {
    expect(line).toMatchObject({
      level: expect.stringMatching(/^(debug|info|warn|error)$/),
      event: expect.stringMatching(/\S/),
    });
    expect(new Date(String(line["timestamp"])).toISOString()).toBe(line["timestamp"]);
  }
  expect(proxy.stderr()).toBe("");
});

it.concurrent("an outage is a line for its begin and one for its end, not one for each poll", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  await using proxy = startProxyProcess({ config: configFor(upstream) });
  const url = await proxy.url();
  await eventually(async () => (await getFlags(url)).status === 200);
  // A slow machine may add a line of its own, that a refresh was slow.
  const lines = () => logRecords(proxy).filter(({ durationMs }) => durationMs === undefined);
  // It serves a document a moment before it says so.
  await eventually(() => lines().some(({ message }) => message === "Published the environment document"));
  const before = lines().length;
  upstream.forgetRequests();
  upstream.setMode(serverKey, 503);
  await eventually(() => upstream.requests().length > 15);
  upstream.setMode(serverKey, "ok");
  await eventually(() => lines().length > before + 1);
  const during = lines().slice(before);
  expect(during.map(({ level }) => level)).toEqual(["warn", "info"]);
});

it.concurrent("the access log is a line for each request without its query, and off by default", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  for (const enable_access_log of [true, false]) {
    await using proxy = startProxyProcess({
      config: configFor(upstream, { logging: { enable_access_log } }),
    });
    const url = await proxy.url();
    await eventually(async () => (await fetch(`${url}/proxy/health`)).status === 200);
    await fetch(`${url}/api/v1/identities/?identifier=private.person`);
    await postIdentity(url, { identifier: "private.person" });
    proxy.kill("SIGTERM");
    await proxy.exit;
    const requests = logRecords(proxy).filter(({ path }) => path === "/api/v1/identities/");
    const expected = [
      { method: "GET", status: 401 },
      { method: "POST", status: 200 },
    ];
    expect(requests.map(({ method, status }) => ({ method, status }))).toEqual(
      enable_access_log ? expected : [],
    );
    expect(proxy.stdout()).not.toContain("private.person");
  }
});

it.concurrent("the log level decides what is written", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  const config = configFor(upstream, { logging: { log_level: "ERROR" }, unknown_setting: 1 });
  await using proxy = startProxyProcess({ config });
  await eventually(() => upstream.requests(serverKey).length > 2);
  proxy.kill("SIGTERM");
  expect((await proxy.exit).code).toBe(0);
  expect([proxy.stdout(), proxy.stderr()]).toEqual(["", ""]);
});

it.concurrent.each(["INFO", "DEBUG"])(
  "an event stream of the upstream is told of, and kept, at %s",
  async (level) => {
    await using upstream = await startFaultUpstream();
    await using realtime = await startRealtimeUpstream();
    upstream.setDocument(serverKey, realtimeDocumentText);
    const config = configFor(upstream, {
      logging: { log_format: "json", log_level: level },
      realtime: { url: realtime.url, reconnect_min_seconds: 0.02, reconnect_max_seconds: 0.1 },
    });
    await using proxy = startProxyProcess({ config });
    await eventually(() => proxy.stdout().includes("its event stream is established"));
    // Some reconnects later, if there were any.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([realtime.connects.length, realtime.listeners]).toEqual([1, 1]);
    expect(proxy.stdout()).not.toContain("by a bug");
  },
);
