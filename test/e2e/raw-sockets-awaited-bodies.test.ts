/** Bodies come when they come: in pieces, late, or never. What the head decides is answered before. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { ask, RawConnection, requestText } from "../support/raw-client.ts";
import { clientKey, eventually, startProxy } from "../support/running-proxy.ts";

const proxy = await startProxy({});
afterAll(() => proxy[Symbol.asyncDispose]());

const key = `X-Environment-Key: ${clientKey}`;
const body = '{"identifier":"bob","traits":[{"trait_key":"größe","trait_value":1.50}]}';
const bytes = Buffer.from(body);
const head = (headers: readonly string[], path = "identities/") =>
  requestText(`POST /api/v1/${path}`, headers);
const length = (count = bytes.length) => `Content-Length: ${count}`;
const whole = await ask(proxy.port, `${head([key, length()])}${bytes.toString("latin1")}`);

it.each(["identities", "identities/", "identities/?x=1"])(
  "a body in pieces is one body: %s",
  async (path) => {
    await using connection = await RawConnection.open(proxy.port);
    connection.send(head([key, length()], path));
    for (const byte of bytes) {
      connection.send(Uint8Array.of(byte));
      if (byte % 8 === 0) await sleep(2);
    }
    const response = await connection.response();
    expect([response.status, response.body]).toEqual([200, whole.body]);
  },
);

it.each<[number, string, readonly string[], string?]>([
  [401, "no key", [length()]],
  [401, "an unknown key", ["X-Environment-Key: nobody", length()]],
  [404, "an unknown path", [key, length()], "identitie/"],
  [413, "too long", [key, length(10_000_000)]],
  [415, "a coding", [key, length(), "Content-Encoding: gzip"]],
])("%d, %s, is answered without the body", async (status, _, headers, path) => {
  await using connection = await RawConnection.open(proxy.port);
  connection.send(head(headers, path));
  expect((await connection.response()).status).toBe(status);
});

it("requests in a row on one connection are answered in their order", async () => {
  await using connection = await RawConnection.open(proxy.port);
  const names = ["a", "b", "c", "d"];
  const requests = names.map((name) => {
    const text = `{"identifier":"${name}"}`;
    return `${head([key, length(text.length)])}${text}`;
  });
  connection.send(requests.join(""));
  for (const name of names) expect(JSON.parse((await connection.response()).body).identifier).toBe(name);
});

it("a client that wants to be told first is told to go on", async () => {
  await using connection = await RawConnection.open(proxy.port);
  connection.send(head([key, length(), "Expect: 100-continue"]));
  await eventually(() => connection.unread.startsWith("HTTP/1.1 100 "));
  connection.send(bytes);
  await eventually(() => connection.unread.includes("HTTP/1.1 200 OK"));
});

it("clients that go away within their bodies leave no trace, and nothing open", async () => {
  const lines = proxy.lines.length;
  for (let client = 0; client < 50; client += 1) {
    const connection = await RawConnection.open(proxy.port);
    connection.send(head([key, length()])).send(bytes.subarray(0, client));
    await connection[Symbol.asyncDispose]();
  }
  const again = await ask(proxy.port, `${head([key, length()])}${bytes.toString("latin1")}`);
  expect(again.body).toBe(whole.body);
  expect(proxy.lines.slice(lines)).toEqual([]);
});
