/** Too much, too slow, and gone before the end: each is cut off, and leaves neither a trace nor a victim. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { ask, askUntilClosed, RawConnection, requestText } from "../support/raw-client.ts";
import { clientKey, eventually, serverKey, startProxy } from "../support/running-proxy.ts";

const proxy = await startProxy({
  config: { server: { headers_timeout_seconds: 0.3, request_timeout_seconds: 0.6 } },
});
afterAll(() => proxy[Symbol.asyncDispose]());

const key = `X-Environment-Key: ${clientKey}`;
const good = requestText("GET /api/v1/flags/", [key]);
const postHead = (headers: readonly string[], path = "identities") =>
  requestText(`POST /api/v1/${path}/`, [key, ...headers]);
const megabyte = 1_048_576;

async function expectOthersServed(): Promise<void> {
  expect((await ask(proxy.port, good)).status).toBe(200);
}

/** What was logged since then, each sentence once. */
function messagesSince(lineCount: number): string[] {
  return [...new Set(proxy.lines.slice(lineCount).map(({ message }) => message))];
}

/** One chunk of 64 KiB. */
const chunk = `10000\r\n${" ".repeat(65_536)}\r\n`;

it.each(["identities", "bulk-identities"])("E40 a body of 300 kB to %s is 413 and closed", async (path) => {
  const body = `{"identifier":"${"a".repeat(300_000)}"}`;
  // Many times: an answer must not be lost to the reset that follows unread bytes.
  for (let round = 0; round < 20; round += 1) {
    const response = await askUntilClosed(
      proxy.port,
      postHead([`Content-Length: ${body.length}`], path) + body,
    );
    expect(response.status).toBe(413);
    expect(response.headers.get("connection")).toBe("close");
    expect(JSON.parse(response.body)).toMatchObject({ status: "payload_too_large" });
  }
  await expectOthersServed();
});

it("E40 a chunked body of 320 kB is 413 and closed", async () => {
  for (let round = 0; round < 20; round += 1) {
    const request = `${postHead(["Transfer-Encoding: chunked"])}${chunk.repeat(5)}0\r\n\r\n`;
    const response = await askUntilClosed(proxy.port, request);
    expect([response.status, response.headers.get("connection")]).toEqual([413, "close"]);
  }
  await expectOthersServed();
});

it("a body of exactly the limit is read", async () => {
  const start = '{"identifier":"bob"';
  const body = `${start}${" ".repeat(262_144 - start.length - 1)}}`;
  expect((await ask(proxy.port, requestText("POST /api/v1/identities/", [key], body))).status).toBe(200);
  const over = requestText("POST /api/v1/identities/", [key], `${body} `);
  expect((await askUntilClosed(proxy.port, over)).status).toBe(413);
});

it("E40 an announced 10 GB is 413 before any of it came", async () => {
  const response = await askUntilClosed(proxy.port, postHead(["Content-Length: 10737418240"]));
  expect([response.status, response.headers.get("connection")]).toEqual([413, "close"]);
  await expectOthersServed();
});

it("E40 an endless body is read up to about the limit and not further", async () => {
  await using connection = await RawConnection.open(proxy.port);
  connection.send(postHead(["Transfer-Encoding: chunked"]));
  for (let sent = 0; sent < 1024 && connection.isOpen; sent += 1) {
    connection.send(chunk);
    await sleep(1);
  }
  await connection.closed();
  // What the proxy did not read lies in the buffers of the two sockets, some megabytes at most.
  expect(connection.bytesWritten).toBeLessThan(24 * megabyte);
  await expectOthersServed();
});

it("a body that nobody will read, behind a 401, is not read without end either", async () => {
  await using connection = await RawConnection.open(proxy.port);
  connection.send(requestText("POST /api/v1/identities/", ["Transfer-Encoding: chunked"]));
  for (let sent = 0; sent < 2048 && connection.isOpen; sent += 1) {
    connection.send(chunk);
    await sleep(1);
  }
  await connection.closed();
  expect(connection.bytesWritten).toBeLessThan(24 * megabyte);
  await expectOthersServed();
});

it.concurrent("who connects and says nothing is closed", async () => {
  await using connection = await RawConnection.open(proxy.port);
  await connection.closed();
});

it.concurrent("who drips headers is closed", async () => {
  await using connection = await RawConnection.open(proxy.port);
  connection.send("GET /api/v1/flags/ HTTP/1.1\r\nHost: proxy\r\nX-Slow: ");
  await drip(connection);
  expect(connection.unread).toMatch(/^(HTTP\/1\.1 408 |$)/);
  await expectOthersServed();
});

it.concurrent("who drips a body is closed", async () => {
  await using connection = await RawConnection.open(proxy.port);
  connection.send(postHead(["Content-Length: 1000"]));
  await drip(connection);
  expect(connection.unread).toMatch(/^(HTTP\/1\.1 408 |$)/);
  await expectOthersServed();
});

it.concurrent("who drips a body behind an answer of 401 is closed", async () => {
  await using connection = await RawConnection.open(proxy.port);
  connection.send(requestText("POST /api/v1/identities/", ["Content-Length: 1000"]));
  expect((await connection.response()).status).toBe(401);
  await drip(connection);
  await expectOthersServed();
});

/** Sends a byte each 20 ms until the server closes. */
async function drip(connection: RawConnection): Promise<void> {
  while (connection.isOpen) {
    connection.send("a");
    await sleep(20);
  }
  await connection.closed();
}

it.concurrent("who reads slowly gets all of it", async () => {
  await using connection = await RawConnection.open(proxy.port);
  const request = requestText("GET /api/v1/environment-document/", [`X-Environment-Key: ${serverKey}`]);
  connection.send(request.repeat(500));
  await sleep(300);
  for (let count = 0; count < 500; count += 1) expect((await connection.response()).status).toBe(200);
});

it.concurrent("a quick client on a kept connection is not cut off by the limits for slow ones", async () => {
  await using connection = await RawConnection.open(proxy.port);
  for (let count = 0; count < 12; count += 1) {
    expect((await connection.send(good).response()).status).toBe(200);
    await sleep(200);
  }
});

it.each([
  ["in the headers", good.slice(0, 40)],
  ["in a body with a length", `${postHead(["Content-Length: 1000"])}{"identifier":`],
  ["in a chunked body", `${postHead(["Transfer-Encoding: chunked"])}5\r\n{"ide`],
  ["before reading the answer", good],
  ["amid a pipeline", good.repeat(50)],
])("E47 clients that go away %s are not logged", async (_name, bytes) => {
  const before = proxy.lines.length;
  for (let round = 0; round < 40; round += 1) {
    await using connection = await RawConnection.open(proxy.port);
    connection.send(bytes);
    if (round % 2 === 0) connection.reset();
    else connection.end();
    if (round % 5 === 0) await sleep(1);
  }
  await sleep(50);
  await expectOthersServed();
  expect(messagesSince(before)).toEqual([]);
});

it("malformed requests are not logged either", async () => {
  const before = proxy.lines.length;
  for (const bytes of [
    "\0\0\0\r\n\r\n",
    good.replace("HTTP/1.1", "HTTP/9.9"),
    postHead(["Content-Length: x"]),
  ]) {
    expect((await askUntilClosed(proxy.port, bytes)).status).toBe(400);
  }
  expect(messagesSince(before)).toEqual([]);
});

it("after all this the proxy serves, and its health is good", async () => {
  await eventually(async () => (await fetch(`${proxy.url}/proxy/health`)).status === 200);
  await expectOthersServed();
});
