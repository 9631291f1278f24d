/** What the client sends and what it makes of good answers, over real sockets. */
import { expect, test } from "vitest";
import type { FaultMode } from "../../support/fault-modes.ts";
import { startFaultUpstream } from "../../support/fault-upstream.ts";
import { fetchText } from "../../support/packed-text.ts";
import { createClient, failureOf } from "../../support/upstream-settings.ts";

const serverKey = "ser.one";
const whole = { serverKey, ifModifiedSince: null };

async function startPair(changes: Parameters<typeof createClient>[0] = {}) {
  const upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, '{"id":1, "big":12345678901234567890}');
  const client = createClient({ apiUrl: upstream.apiUrl, ...changes });
  return {
    upstream,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("a document comes as the text the upstream sent, with its validator", async () => {
  await using pair = await startPair();
  const date = new Date(Date.UTC(2024, 3, 18, 9, 36, 20, 500));
  pair.upstream.setDocument(serverKey, '{"id":1, "big":1.0}', date);
  expect(await fetchText(pair.client, whole)).toEqual({
    kind: "document",
    text: '{"id":1, "big":1.0}',
    lastModified: "Thu, 18 Apr 2024 09:36:20 GMT",
    recentlyChanged: false,
    pages: 1,
    digest: expect.any(String),
  });
});

test("the same bytes have the same digest, other bytes another", async () => {
  await using pair = await startPair();
  const digestOf = async (text: string, mode: FaultMode = "ok"): Promise<string> => {
    pair.upstream.setDocument(serverKey, text);
    pair.upstream.setMode(serverKey, mode);
    const answer = await fetchText(pair.client, whole);
    return answer.kind === "document" ? answer.digest : "";
  };
  const first = await digestOf('{"id":1}');
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await digestOf('{"id":1}', "gzip-ok")).toBe(first);
  expect(await digestOf('{"id":1} ')).not.toBe(first);
  expect(await digestOf('{"id":1}')).toBe(first);
});

test("the request carries the keys, the product and the encodings it understands", async () => {
  await using pair = await startPair({ proxyKey: "proxy-key" });
  await fetchText(pair.client, whole);
  const [request] = pair.upstream.requests();
  expect(request?.path).toBe("/api/v1/environment-document/");
  expect(request?.headers).toMatchObject({
    "x-environment-key": serverKey,
    "x-proxy-key": "proxy-key",
    "user-agent": "test/1",
    accept: "application/json",
    "accept-encoding": "gzip, br",
  });
  expect(request?.headers["if-modified-since"]).toBeUndefined();
});

test("without a proxy key no such header is sent", async () => {
  await using pair = await startPair();
  await fetchText(pair.client, whole);
  expect(pair.upstream.requests()[0]?.headers).not.toHaveProperty("x-proxy-key");
});

test("the validator is echoed as it came, and a 304 is not modified", async () => {
  await using pair = await startPair();
  const first = await fetchText(pair.client, whole);
  const ifModifiedSince = first.kind === "document" ? first.lastModified : null;
  expect(await fetchText(pair.client, { serverKey, ifModifiedSince })).toEqual({ kind: "not-modified" });
  expect(pair.upstream.requests()[1]?.headers["if-modified-since"]).toBe(ifModifiedSince);
});

test.each([
  [0, true],
  [2, true],
  [3, false],
  [-5, true],
])("a document changed %i s before the answer is recently changed: %s", async (seconds, expected) => {
  await using pair = await startPair();
  const answered = Date.UTC(2026, 1, 1);
  pair.upstream.setDocument(serverKey, "{}", new Date(answered - seconds * 1000));
  pair.upstream.setMode(serverKey, "ok", { headers: { date: new Date(answered).toUTCString() } });
  expect(await fetchText(pair.client, whole)).toMatchObject({ recentlyChanged: expected });
});

test("without a clock to compare with, a document may be recently changed", async () => {
  await using pair = await startPair();
  pair.upstream.setMode(serverKey, "ok", { headers: { date: "today" } });
  expect(await fetchText(pair.client, whole)).toMatchObject({ recentlyChanged: true });
});

test("a validator that is no date is not kept", async () => {
  await using pair = await startPair();
  pair.upstream.setMode(serverKey, "body", { body: "{}", headers: { "last-modified": "yesterday" } });
  expect(await fetchText(pair.client, whole)).toMatchObject({
    lastModified: null,
    recentlyChanged: false,
  });
});

test("an upstream with ETags alone is asked unconditionally", async () => {
  await using pair = await startPair();
  pair.upstream.setMode(serverKey, "etag");
  expect(await fetchText(pair.client, whole)).toMatchObject({ kind: "document", lastModified: null });
});

test.each(["gzip-ok", "br-ok"] as const)("%s is inflated", async (mode) => {
  await using pair = await startPair();
  pair.upstream.setMode(serverKey, mode);
  expect(await fetchText(pair.client, whole)).toMatchObject({
    text: '{"id":1, "big":12345678901234567890}',
  });
});

test("a byte order mark is dropped", async () => {
  await using pair = await startPair();
  pair.upstream.setMode(serverKey, "body", { body: "\ufeff{}" });
  expect(await fetchText(pair.client, whole)).toMatchObject({ text: "{}" });
});

test.each(["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.flagsmith+json"])(
  "%s is JSON",
  async (type) => {
    await using pair = await startPair();
    pair.upstream.setMode(serverKey, "body", { body: "{}", headers: { "content-type": type } });
    expect(await fetchText(pair.client, whole)).toMatchObject({ text: "{}" });
  },
);

test.each([301, 302, 303, 307, 308])("a %i on the same origin is followed with the keys", async (status) => {
  await using pair = await startPair();
  pair.upstream.setMode(serverKey, "redirect-same", { status });
  const since = "Thu, 18 Apr 2024 09:36:20 GMT";
  expect(await fetchText(pair.client, { serverKey, ifModifiedSince: since })).toMatchObject({ pages: 1 });
  const paths = pair.upstream.requests(serverKey).map(({ path }) => path);
  expect(paths).toEqual(["/api/v1/environment-document/", "/api/v1/environment-document/?redirected=1"]);
  expect(pair.upstream.requests()[1]?.headers["if-modified-since"]).toBe(since);
});

test("a connection is kept for the next request, after a 200, a 304 and a redirect", async () => {
  await using pair = await startPair({ connectionsMax: 1 });
  await fetchText(pair.client, whole);
  await fetchText(pair.client, { serverKey, ifModifiedSince: new Date().toUTCString() });
  pair.upstream.setMode(serverKey, "redirect-same");
  await fetchText(pair.client, whole);
  expect(pair.upstream.connections).toBe(1);
});

test("a kept connection that is reset is replaced at once", async () => {
  await using pair = await startPair({ connectionsMax: 1 });
  pair.upstream.setMode(serverKey, "reset-reused");
  await fetchText(pair.client, whole);
  expect(await fetchText(pair.client, whole)).toMatchObject({ kind: "document" });
  expect(pair.upstream.requests().map(({ connection }) => connection)).toEqual([1, 1, 2]);
});

test("a new connection that is reset is a failure, and not tried again", async () => {
  await using pair = await startPair();
  pair.upstream.setMode(serverKey, "reset");
  expect(await failureOf(fetchText(pair.client, whole))).toMatchObject({ code: "connection_lost" });
  expect(pair.upstream.requests()).toHaveLength(1);
});

test("the caller ends a request with its own reason", async () => {
  await using pair = await startPair();
  pair.upstream.setMode(serverKey, "hang-headers");
  const caller = new AbortController();
  const fetching = fetchText(pair.client, { ...whole, signal: caller.signal });
  await expect.poll(() => pair.upstream.requests().length).toBe(1);
  caller.abort(new Error("enough"));
  expect(await failureOf(fetching)).toMatchObject({ message: "enough" });
  expect(await failureOf(fetchText(pair.client, { ...whole, signal: caller.signal }))).toMatchObject({
    message: "enough",
  });
  expect(pair.upstream.requests()).toHaveLength(1);
});

test("disposing of the client ends what runs", async () => {
  await using pair = await startPair();
  pair.upstream.setMode(serverKey, "hang-headers");
  const failing = failureOf(fetchText(pair.client, whole));
  await expect.poll(() => pair.upstream.requests().length).toBe(1);
  await pair.client[Symbol.asyncDispose]();
  expect(await failing).toMatchObject({ code: "connection_lost" });
});
