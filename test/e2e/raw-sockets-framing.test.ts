/** Malformed and unusual HTTP on raw sockets: what is not plain HTTP/1.1 is refused and harms nobody. */
import { afterAll, expect, it } from "vitest";
import { ask, askUntilClosed, RawConnection, requestText } from "../support/raw-client.ts";
import { clientKey, startProxy } from "../support/running-proxy.ts";

const proxy = await startProxy();
afterAll(() => proxy[Symbol.asyncDispose]());

const key = `X-Environment-Key: ${clientKey}`;
const flags = "GET /api/v1/flags/";
const identities = "POST /api/v1/identities/";
const good = requestText(flags, [key]);
const chunked = (encoding: string, body: string) =>
  requestText(identities, [key, `Transfer-Encoding: ${encoding}`], body);

async function expectOthersServed(): Promise<void> {
  expect((await ask(proxy.port, good)).status).toBe(200);
}

it.each([
  ["E5 a key with NUL", requestText(flags, ["X-Environment-Key: demo\0key"])],
  ["E5 a key with a bare CR", requestText(flags, ["X-Environment-Key: demo\rkey"])],
  ["E6 HTTP/1.1 without Host", `${flags} HTTP/1.1\r\n${key}\r\n\r\n`],
  ["E8 Content-Length and Transfer-Encoding", chunked("chunked\r\nContent-Length: 5", "0\r\n\r\n")],
  ["E8 two Content-Length", requestText(identities, [key, "Content-Length: 2", "Content-Length: 3"], "{}")],
  ["E8 a negative Content-Length", requestText(identities, [key, "Content-Length: -1"], "{}")],
  ["E8 a signed Content-Length", requestText(identities, [key, "Content-Length: +5"], "12345")],
  ["E9 Transfer-Encoding xchunked", chunked("xchunked", "0\r\n\r\n")],
  ["E9 Transfer-Encoding chunked, identity", chunked("chunked, identity", "0\r\n\r\n")],
  ["E9 a bad chunk size", chunked("chunked", "zz\r\n{}\r\n0\r\n\r\n")],
  ["E10 a folded header", requestText(flags, [key, "X-Fold: a\r\n b"])],
  ["E10 a space before the colon", requestText(flags, [`X-Environment-Key : ${clientKey}`])],
  ["E10 bare line feeds", good.replaceAll("\r\n", "\n")],
  ["E13 an unknown method", requestText("FLAGS /api/v1/flags/", [key])],
  ["E13 HTTP/9.9", good.replace("HTTP/1.1", "HTTP/9.9")],
  ["E13 a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\r\n\r\n"],
  ["E13 the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["E16 NUL in the path", requestText("GET /api/v1/fl\0ags/", [key])],
])("%s is answered 400 and closed", async (_name, bytes) => {
  expect((await askUntilClosed(proxy.port, bytes)).status).toBe(400);
  await expectOthersServed();
});

it.each([
  ["E6 Host a/b", requestText(flags, [key, "Host: a/b"])],
  ["E6 Host foo|bar", requestText(flags, [key, "Host: foo|bar"])],
  ["E16 a backslash in the path", requestText("GET /api\\v1\\flags/", [key])],
  ["E16 raw UTF-8 in the path", requestText("GET /api/v1/fl\xc3\xa4gs/", [key])],
])("%s is answered 400", async (_name, bytes) => {
  expect((await ask(proxy.port, bytes)).status).toBe(400);
  await expectOthersServed();
});

it.each([
  ["E11 a URI of 20 kB", requestText(`GET /api/v1/flags/?feature=${"a".repeat(20_000)}`, [key])],
  ["E11 a header of 20 kB", requestText(flags, [key, `X-Large: ${"a".repeat(20_000)}`])],
])("%s is answered 431 and closed", async (_name, bytes) => {
  expect((await askUntilClosed(proxy.port, bytes)).status).toBe(431);
  await expectOthersServed();
});

it("E7 two Host headers are answered 200: nothing is routed or built by Host", async () => {
  expect((await ask(proxy.port, requestText(flags, [key, "Host: a", "Host: b"]))).status).toBe(200);
});

it.each([1500, 2500, 3000])("E12 no key is dropped silently behind %i headers", async (count) => {
  const many = Array.from({ length: count }, () => "a:b");
  const last = await ask(proxy.port, requestText(flags, [...many, key]));
  const unknownLast = requestText(flags, [key, ...many, "X-Environment-Key: other"]);
  const second = await ask(proxy.port, unknownLast);
  // A key that was dropped would be a 401.
  expect([200, 431]).toContain(last.status);
  // Two keys are never one good key, wherever the second one stands.
  expect([401, 431]).toContain(second.status);
  await expectOthersServed();
});

it("E15 CONNECT is closed without an answer of any flags", async () => {
  await using connection = await RawConnection.open(proxy.port);
  connection.send(requestText("CONNECT example.org:443", [key]));
  await connection.closed();
  expect(connection.unread).not.toContain("200");
  await expectOthersServed();
});

it("E42 the body of a GET is ignored, and the connection stays in step", async () => {
  await using connection = await RawConnection.open(proxy.port);
  const smuggled = requestText("GET /api/v1/environment-document/", [key]);
  const first = await connection.send(requestText(flags, [key], smuggled)).response();
  const second = await connection.send(good).response();
  expect([first.status, second.status]).toEqual([200, 200]);
  expect(second.body).toBe(first.body);
});

it("E43 an unknown expectation is answered 417", async () => {
  expect((await ask(proxy.port, requestText(flags, [key, "Expect: 200-maybe"]))).status).toBe(417);
  await expectOthersServed();
});

it("a client that waits for 100 Continue gets it, and then its answer", async () => {
  await using connection = await RawConnection.open(proxy.port);
  const body = '{"identifier":"bob"}';
  connection.send(requestText(identities, [key, "Expect: 100-continue", `Content-Length: ${body.length}`]));
  expect((await connection.response()).status).toBe(100);
  expect((await connection.send(body).response()).status).toBe(200);
});

it.each(["websocket", "h2c"])("E44 an upgrade to %s is answered as a plain request", async (protocol) => {
  const headers = [key, "Connection: Upgrade", `Upgrade: ${protocol}`, "HTTP2-Settings: AAMAAABkAAQAAP__"];
  expect((await ask(proxy.port, requestText(flags, headers))).status).toBe(200);
  await expectOthersServed();
});

it("E45 pipelined requests are answered in order, each with its own key's answer", async () => {
  await using connection = await RawConnection.open(proxy.port);
  const bob = requestText(identities, [key], '{"identifier":"bob"}');
  connection.send([requestText(flags), good, bob, requestText("GET /nowhere", [key]), good].join(""));
  const statuses: number[] = [];
  for (let count = 0; count < 5; count += 1) statuses.push((await connection.response()).status);
  expect(statuses).toEqual([401, 200, 200, 404, 200]);
  expect(connection.unread).toBe("");
});

it("E45 a body that was refused unread is not taken for the next request", async () => {
  await using connection = await RawConnection.open(proxy.port);
  const smuggled = requestText("GET /api/v1/flags/", [key]);
  connection.send(requestText(identities, [], smuggled)).send(good);
  expect((await connection.response()).status).toBe(401);
  // Either the connection is closed, or the next answer belongs to the next request.
  const next = await connection.response().catch(() => null);
  expect([200, undefined]).toContain(next?.status);
  expect(connection.unread).toBe("");
});

it("HEAD in a pipeline has a length and no body", async () => {
  await using connection = await RawConnection.open(proxy.port);
  connection.send(requestText("HEAD /api/v1/flags/", [key])).send(good);
  const head = await connection.response({ isHead: true });
  const get = await connection.response();
  expect([head.status, get.status]).toEqual([200, 200]);
  expect(head.headers.get("content-length")).toBe(String(Buffer.byteLength(get.body)));
  expect(head.headers.get("etag")).toBe(get.headers.get("etag"));
});

it("E46 a Range is ignored: the whole answer comes", async () => {
  const ranged = await ask(proxy.port, requestText(flags, [key, "Range: bytes=0-3"]));
  expect(ranged.status).toBe(200);
  expect(ranged.body).toBe((await ask(proxy.port, good)).body);
});

it("E48 headers named as members of Object.prototype harm nothing", async () => {
  const headers = [key, "__proto__: x", "constructor: y", "toString: z", "hasOwnProperty: w"];
  expect((await ask(proxy.port, requestText(flags, headers))).status).toBe(200);
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  await expectOthersServed();
});

it("a client of HTTP/1.0 is answered and the connection closed", async () => {
  const response = await askUntilClosed(proxy.port, `${flags} HTTP/1.0\r\nHost: proxy\r\n${key}\r\n\r\n`);
  expect(response.status).toBe(200);
});
