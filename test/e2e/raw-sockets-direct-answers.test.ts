/** Answers are the same whether a route writes them itself or node-server does: for hosts in capitals. */
import { afterAll, expect, it } from "vitest";
import { ask } from "../support/raw-client.ts";
import { clientKey, serverKey, startProxy } from "../support/running-proxy.ts";

const proxy = await startProxy({});
afterAll(() => proxy[Symbol.asyncDispose]());

const body = '{"identifier":"bob","traits":[{"trait_key":"plan","trait_value":"beta"}]}';
const length = `Content-Length: ${body.length}`;

async function answerOf(host: string, line: string, headers: readonly string[], sent = "") {
  const head = [`${line} HTTP/1.1`, `Host: ${host}`, ...headers].join("\r\n");
  const { status, headers: all, body: text } = await ask(proxy.port, `${head}\r\n\r\n${sent}`);
  return { status, text, headers: [...all].filter(([name]) => name !== "date") };
}

const etag = async () => {
  const { headers } = await answerOf("a", "GET /api/v1/flags/", [`X-Environment-Key: ${clientKey}`]);
  return new Map(headers).get("etag") ?? "";
};

it.each<[number, string, string, readonly string[], string?]>([
  [200, clientKey, "GET /api/v1/flags/", []],
  [200, clientKey, "GET /api/v1/flags", ["Accept-Encoding: br", "Origin: https://page.test"]],
  [200, clientKey, "GET /api/v1/flags/?feature=banner_text", []],
  [404, clientKey, "GET /api/v1/flags/?feature=nothing", []],
  [200, serverKey, "GET /api/v1/environment-document/", []],
  [401, clientKey, "GET /api/v1/environment-document/", []],
  [200, clientKey, "GET /api/v1/identities/?identifier=a%20b", []],
  [422, clientKey, "GET /api/v1/identities/", []],
  [401, "nobody", "GET /api/v1/flags/", []],
  [200, clientKey, "POST /api/v1/identities/", [length], body],
  [400, clientKey, "POST /api/v1/identities/", ["Content-Length: 1"], "{"],
])("%d for %s, %s %j", async (status, key, line, headers, sent) => {
  const withKey = [`X-Environment-Key: ${key}`, ...headers];
  const direct = await answerOf("proxy.test:8000", line, withKey, sent);
  expect(direct.status).toBe(status);
  expect(await answerOf("PROXY.test:8000", line, withKey, sent)).toEqual(direct);
});

it("a 304 too", async () => {
  const headers = [`X-Environment-Key: ${clientKey}`, `If-None-Match: ${await etag()}`];
  const direct = await answerOf("proxy.test", "GET /api/v1/flags/", headers);
  expect(direct.status).toBe(304);
  expect(await answerOf("PROXY.test", "GET /api/v1/flags/", headers)).toEqual(direct);
});
