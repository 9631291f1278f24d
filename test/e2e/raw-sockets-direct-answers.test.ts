/** Answers are the same whether a route writes them itself or node-server does: for absolute targets. */
import { afterAll, expect, it } from "vitest";
import { ask, RawConnection } from "../support/raw-client.ts";
import { clientKey, serverKey, startProxy } from "../support/running-proxy.ts";

const proxy = await startProxy({});
afterAll(() => proxy[Symbol.asyncDispose]());

const absolute = "http://proxy.test";
const body = '{"identifier":"bob","traits":[{"trait_key":"plan","trait_value":"beta"}]}';
const key = `X-Environment-Key: ${clientKey}`;
const length = `Content-Length: ${body.length}`;

/** @param origin of an absolute target; empty for one of the usual form */
async function answerOf(origin: string, line: string, headers: readonly string[], sent = "") {
  const [method, path] = line.split(" ");
  const head = [`${method} ${origin}${path} HTTP/1.1`, "Host: proxy.test", ...headers].join("\r\n");
  const { status, headers: all, body: text } = await ask(proxy.port, `${head}\r\n\r\n${sent}`);
  return { status, text, headers: [...all].filter(([name]) => name !== "date") };
}

const etag = async () => {
  const { headers } = await answerOf("", "GET /api/v1/flags/", [`X-Environment-Key: ${clientKey}`]);
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
])("%d for %s, %s %j, is the same for an absolute target", async (status, key, line, headers, sent) => {
  const withKey = [`X-Environment-Key: ${key}`, ...headers];
  const direct = await answerOf("", line, withKey, sent);
  expect(direct.status).toBe(status);
  expect(await answerOf(absolute, line, withKey, sent)).toEqual(direct);
});

it("a 304 is the same for an absolute target", async () => {
  const headers = [`X-Environment-Key: ${clientKey}`, `If-None-Match: ${await etag()}`];
  const direct = await answerOf("", "GET /api/v1/flags/", headers);
  expect(direct.status).toBe(304);
  expect(await answerOf(absolute, "GET /api/v1/flags/", headers)).toEqual(direct);
});

it.each(["a:", "a:80", "a:65536", "127.1:80", "1.2.3.256", "PROXY.test", "[::1]:8000", "[0:0::1]", ""])(
  "the host %j changes no answer",
  async (host) => {
    for (const [status, line, sent, ...headers] of [
      [200, "GET /api/v1/flags/", ""],
      [404, "GET /api/v1/flags/?feature=nothing", ""],
      [200, "HEAD /api/v1/flags/", ""],
      [400, "POST /api/v1/identities/", "{", "Content-Length: 1"],
      [400, "POST /api/v1/identities/", "1\r\n{\r\n0\r\n\r\n", "Transfer-Encoding: chunked"],
      [200, "GET /health", ""],
    ] as const) {
      await using connection = await RawConnection.open(proxy.port);
      const head = [`${line} HTTP/1.1`, `Host: ${host}`, key, ...headers].join("\r\n");
      connection.send(`${head}\r\n\r\n${sent}`);
      const answer = await connection.response({ isHead: line.startsWith("HEAD") });
      expect([line, answer.status]).toEqual([line, status]);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    }
  },
);

it.each([
  ["GET /api/v1/flags/", "a/b"],
  ["GET /health", "foo|bar"],
  ["GET /api/v1/flags\\", "a"],
  ["OPTIONS *", "a"],
])("%s with the host %s is malformed, in the shape of all errors", async (line, host) => {
  const answer = await ask(proxy.port, `${line} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  expect([answer.status, JSON.parse(answer.body).status]).toEqual([400, "bad_request"]);
  expect(answer.headers.get("access-control-allow-origin")).toBe("*");
});
