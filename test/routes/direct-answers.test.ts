/** Which requests are answered without node-server: a lane that nobody takes would pass every other test. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, vi } from "vitest";
import { listenDirectly, readDirectly, respond } from "../../src/routes/direct-answers.ts";
import type { AppContext } from "../../src/routes/http-context.ts";

const plain = { method: "GET", url: "/flags/", headers: { host: "proxy.test:8000" } };

function isAnsweredDirectly(request: { method?: string; url?: string; headers?: object }): boolean {
  const [direct, others] = [vi.fn(), vi.fn()];
  const incoming = { ...plain, ...request } as unknown as IncomingMessage;
  readDirectly(["/flags"], direct, others)(incoming, {} as ServerResponse<IncomingMessage>);
  expect([direct.mock.calls.length, others.mock.calls.length].sort()).toEqual([0, 1]);
  return direct.mock.calls.length === 1;
}

it.each([
  { url: "/flags" },
  { url: "/flags/" },
  { url: "/flags?feature=one&b[]=~'c'" },
  { headers: { host: "127.0.0.1" } },
  { headers: { host: "PROXY.test:" } },
  { headers: { host: "[::1]:8000" } },
  { headers: {} },
])("$url, $headers: a plain request is answered directly", (request) => {
  expect(isAnsweredDirectly(request)).toBe(true);
});

it.each([
  { method: "HEAD" },
  { method: "POST" },
  { url: "/flag" },
  { url: "/flags//" },
  { url: "/FLAGS" },
  { url: "/flags?feature=%C3%A9" },
  { url: "/flags?a\\b" },
  { url: "http://proxy.test/flags" },
  { headers: { host: "a/b" } },
  { headers: { host: "[::1" } },
])("$method $url $headers: others are left to node-server", (request) => {
  expect(isAnsweredDirectly(request)).toBe(false);
});

it("a route's answer is written once, as it is", async () => {
  const listener = listenDirectly((request, env) =>
    respond({ env } as AppContext, 418, { "x-path": new URL(request.url).pathname }, "short"),
  );
  await using server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/pot?x`);
  expect([answer.status, answer.headers.get("x-path"), await answer.text()]).toEqual([418, "/pot", "short"]);
});
