/**
 * Every way in which an upstream can fail (reliability 4, table B), over real sockets: the code it ends in.
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import type { UpstreamErrorCode } from "../../../src/models/errors.ts";
import { startDeafUpstream } from "../../support/deaf-upstream.ts";
import type { FaultMode, FaultOptions } from "../../support/fault-modes.ts";
import { startFaultUpstream } from "../../support/fault-upstream.ts";
import { fetchText } from "../../support/packed-text.ts";
import { createClient, failureOf } from "../../support/upstream-settings.ts";

const serverKey = "ser.very-secret-key";
const whole = { serverKey, ifModifiedSince: null };
const document = JSON.stringify({ id: 1, note: "secret upstream text" });

const faults: readonly (readonly [FaultMode | number, UpstreamErrorCode, FaultOptions?])[] = [
  [500, "server_error"],
  [502, "server_error"],
  [503, "server_error"],
  [429, "rate_limited"],
  [401, "key_rejected"],
  [403, "key_rejected"],
  [404, "unexpected_status"],
  [204, "unexpected_status"],
  [206, "unexpected_status"],
  [300, "unexpected_status"],
  ["html", "not_json"],
  ["wrong-type", "not_json"],
  ["not-utf8", "not_json"],
  ["not-modified-always", "unexpected_not_modified"],
  ["body", "not_json", { body: "" }],
  ["body", "not_json", { body: "[]" }],
  ["body", "not_json", { body: "null" }],
  ["body", "not_json", { body: '"x"' }],
  ["body", "not_json", { body: "1" }],
  ["body", "bad_encoding", { body: "{}", headers: { "content-encoding": "gzip" } }],
  ["body", "bad_encoding", { body: "{}", headers: { "content-encoding": "br" } }],
  ["body", "bad_encoding", { body: "{}", headers: { "content-encoding": "deflate" } }],
  ["body", "bad_encoding", { body: "{}", headers: { "content-encoding": "zstd" } }],
  ["body", "page_refused", { body: "{}", headers: { link: "<?page=2; rel=next" } }],
  ["encoding-chain", "bad_encoding"],
  ["hang-headers", "timeout"],
  ["drip", "timeout"],
  ["truncated-length", "connection_lost"],
  ["truncated-chunk", "connection_lost"],
  ["reset-mid-body", "connection_lost"],
  ["reset", "connection_lost"],
  ["gzip-bomb", "too_large"],
  ["too-big", "too_large"],
];

test.each(faults.map((fault) => [...fault, {}] as const))(
  "%s ends in %s (%o)",
  async (mode, code, options) => {
    await using upstream = await startFaultUpstream();
    await using client = createClient({
      apiUrl: upstream.apiUrl,
      requestTimeoutMs: 400,
      proxyKey: "secret-proxy",
    });
    upstream.setDocument(serverKey, document);
    upstream.setMode(serverKey, mode, options);
    const error = await failureOf(fetchText(client, whole));
    expect(error).toMatchObject({ name: "UpstreamError", code });
    expect(error.message).not.toMatch(/secret|127\.0\.0\.1/);
    expect(upstream.requests()).toHaveLength(1);

    upstream.setMode(serverKey, "ok");
    expect(await fetchText(client, whole), "it recovers").toMatchObject({ text: document });
  },
);

test("an empty object is handed on: the publisher judges it", async () => {
  await using upstream = await startFaultUpstream();
  await using client = createClient({ apiUrl: upstream.apiUrl });
  upstream.setDocument(serverKey, "{}");
  expect(await fetchText(client, whole)).toMatchObject({ text: "{}" });
});

test("a bomb of 200 MB is cut off at the limit, in memory too", async () => {
  await using upstream = await startFaultUpstream();
  await using client = createClient({ apiUrl: upstream.apiUrl, documentBytesMax: 10_000_000 });
  upstream.setMode(serverKey, "gzip-bomb");
  const before = process.memoryUsage().rss;
  expect(await failureOf(fetchText(client, whole))).toMatchObject({ code: "too_large" });
  expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000);
});

test("a port that refuses is unreachable, and the client finds it again", async () => {
  await using upstream = await startFaultUpstream();
  await using client = createClient({ apiUrl: upstream.apiUrl });
  upstream.setDocument(serverKey, document);
  await fetchText(client, whole);
  await upstream.refuse();
  expect(await failureOf(fetchText(client, whole))).toMatchObject({ code: "unreachable" });
  await upstream.accept();
  expect(await fetchText(client, whole)).toMatchObject({ kind: "document" });
});

test("a name that does not resolve is unreachable", async () => {
  await using client = createClient({
    apiUrl: "http://no-such-host.invalid/api/v1",
    requestTimeoutMs: 10_000,
  });
  expect(await failureOf(fetchText(client, whole))).toMatchObject({ code: "unreachable" });
});

test("a port that never accepts times out at the request's limit", async () => {
  await using upstream = await startDeafUpstream();
  await using client = createClient({
    apiUrl: upstream.apiUrl,
    requestTimeoutMs: 300,
    documentTimeoutMs: 60_000,
  });
  expect(await failureOf(fetchText(client, whole))).toMatchObject({ code: "timeout" });
});

test("what does not speak HTTP is a lost connection", async () => {
  await using server = createServer((socket) => socket.resume().end("SSH-2.0-OpenSSH_9.2\r\n"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  await using client = createClient({ apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  expect(await failureOf(fetchText(client, whole))).toMatchObject({ code: "connection_lost" });
});

test.each([
  ["7", 7000],
  ["3600", 60_000],
  ["99999999999999999999", 60_000],
  ["soon", null],
  ["-5", null],
])("Retry-After: %s is %s ms", async (retryAfter, expected) => {
  await using upstream = await startFaultUpstream();
  await using client = createClient({ apiUrl: upstream.apiUrl, retryAfterMaxMs: 60_000 });
  upstream.setMode(serverKey, 503, { retryAfter });
  expect(await failureOf(fetchText(client, whole))).toMatchObject({ retryAfterMs: expected });
});

test("what one environment is told says nothing of the others: they go on", async () => {
  await using upstream = await startFaultUpstream();
  await using client = createClient({ apiUrl: upstream.apiUrl, breakerFailuresMax: 1 });
  upstream.setDocument("ser.two", document);
  for (const [mode, options] of [
    [429, { retryAfter: "30" }],
    [503, { retryAfter: "30" }],
    [500, {}],
  ] as const) {
    upstream.setMode(serverKey, mode, options);
    await failureOf(fetchText(client, whole));
    const other = await fetchText(client, { serverKey: "ser.two", ifModifiedSince: null });
    expect(other.kind).toBe("document");
  }
});

test("a rejected key says nothing of other environments, whatever it asks for", async () => {
  await using upstream = await startFaultUpstream();
  await using client = createClient({ apiUrl: upstream.apiUrl, breakerFailuresMax: 1 });
  upstream.setDocument("ser.two", document);
  upstream.setMode(serverKey, 403, { retryAfter: "30" });
  expect(await failureOf(fetchText(client, whole))).toMatchObject({
    code: "key_rejected",
    retryAfterMs: 30_000,
  });
  expect(await fetchText(client, { serverKey: "ser.two", ifModifiedSince: null })).toMatchObject({
    pages: 1,
  });
});
