/** What the access log shows of a request's target: no key, no secret and no query, however it is spelt. */
import { EventEmitter } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import { expect, it } from "vitest";
import { logRequests } from "../../../src/services/listener/access-log.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

const secret = "secret-0123456789";

/** @returns the path of the line that is logged of a request for this target */
function logged(url: string): unknown {
  const server = new EventEmitter();
  const { logger, lines } = createRecordingLogger();
  logRequests(server as unknown as Server, { proxyHeaders: false, clock: new FakeClock(), logger });
  const request = { method: "GET", url, headers: {}, socket: {} } as unknown as IncomingMessage;
  const response = Object.assign(new EventEmitter(), { headersSent: true, statusCode: 404 });
  server.emit("request", request, response);
  response.emit("close");
  return lines[0]?.fields["path"];
}

it.each([
  "/sse/environments/KEY/stream",
  "/sse/environments/KEY/stream/",
  "/%73se/environments/KEY/stream",
  "/sse/%65nvironments/KEY/stream",
  "/sse/x/../environments/KEY/stream",
  "/sse/x/%2E%2e/environments/KEY/stream",
  "/sse/environments/./KEY/stream",
  "/sse/environments//KEY/stream",
  "/sse/environments/x/../KEY/stream",
  "/sse/environments/..%2fKEY/stream",
  "/sse\\environments\\KEY\\stream",
  "http://user:pass@proxy.test/sse/environments/KEY/stream",
  "/sse/environments/%4b%45%59KEY/stream",
])("of the stream %s no key is shown", (target) => {
  const path = logged(target.replaceAll("KEY", secret));
  expect(path).toMatch(/^\/sse\/environments\/…\/stream$/);
});

it.each([
  "/proxy/webhook/SECRET",
  "/proxy/%77ebhook/SECRET",
  "/proxy/%2577ebhook/SECRET",
  "/proxy/%252577ebhook/SECRET",
  "/proxy/web\thook/SECRET",
  "/proxy/x/../webhook/SECRET",
  "/proxy/webhook%2fSECRET",
  "/proxy/webhook%5c..%5cSECRET",
  "/proxy/webhook/../SECRET",
  "/proxy/webhook//SECRET/x",
])("of the webhook %s no secret is shown", (target) => {
  expect(logged(target.replace("SECRET", secret))).toBe("/proxy/webhook/…");
});

it.each([
  ["/Proxy//WebHook/SECRET", "/Proxy//WebHook/…"],
  ["/proxy/webhook:SECRET", "/proxy/webhook…"],
  ["/proxy/webhook%20/SECRET", "/proxy/webhook…"],
  ["/proxy/%2525252577ebhook/SECRET", "…"],
  ["/api/v1/identities/?identifier=SECRET", "/api/v1/identities/"],
  ["/api/v1/identities/%3Fidentifier=SECRET", "/api/v1/identities/"],
  ["/api/v1/flags/#SECRET", "/api/v1/flags/"],
])("%s is shown as %s", (target, path) => {
  expect(logged(target.replace("SECRET", secret))).toBe(path);
});

it.each([
  ["/api/v1/flags/", "/api/v1/flags/"],
  ["/api/v1/environment-document", "/api/v1/environment-document"],
  ["/%61pi/v1/./flags", "/api/v1/flags"],
  ["//api/v1/flags", "//api/v1/flags"],
  ["/proxy/webhook/", "/proxy/webhook/"],
  ["/a%20b%0ac\xff", "/a%20b%0ac%C3%BF"],
  ["/100%25", "/100%"],
  ["http://proxy.test", "/"],
  ["*", "*"],
])("%s has no secret, and is shown as %s", (target, path) => {
  expect(logged(target)).toBe(path);
});
