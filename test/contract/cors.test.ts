/**
 * Contract A8, trap 33, reliability F4: CORS on every answer, exact origins, preflights, never credentials.
 */
import { describe, expect, it } from "vitest";
import { documentText, environmentA } from "../support/contract-documents.ts";
import { type Answer, ask, type TestApp } from "../support/contract-requests.ts";
import { createTestApp, type TestAppOptions } from "../support/test-app.ts";

const listed = "https://app.example.com";
const evil = [
  "https://app.example.com.evil.test",
  "https://evil-app.example.com",
  "https://xapp.example.com",
  "null",
  "",
  "http://app.example.com",
  "https://app.example.com:8443",
  "https://app.example.com/",
  "HTTPS://APP.EXAMPLE.COM",
  "https://example.com",
  "https://app-example.com",
  "*",
  "https://app.example.com, https://evil.test",
  "__proto__",
  "https://app.example.co",
  "https://sub.app.example.com",
];

const createApp = async (options: Partial<TestAppOptions> = {}) => {
  const stopped = {
    clientSideKey: "clientS",
    serverSideKey: "ser.S",
    document: documentText({ stopped: true }),
  };
  const waiting = { clientSideKey: "clientW", serverSideKey: "ser.W", document: null };
  return (await createTestApp({ environments: [environmentA(), stopped, waiting], ...options })).app;
};

type Send = (app: TestApp, headers: Record<string, string>) => Promise<Answer>;

/** One of each kind of answer. */
const answers: readonly (readonly [string, number, Send])[] = [
  ["flags", 200, (app, headers) => ask(app, "/api/v1/flags/", { headers })],
  ["one flag", 200, (app, headers) => ask(app, "/api/v1/flags/?feature=one", { headers })],
  ["GET identities", 200, (app, headers) => ask(app, "/api/v1/identities/?identifier=x", { headers })],
  ["POST identities", 200, (app, headers) => ask(app, "/api/v1/identities/", { headers, body: {} })],
  [
    "bulk identities",
    200,
    (app, headers) => ask(app, "/api/v1/bulk-identities/", { headers, body: { data: [] } }),
  ],
  [
    "the document",
    200,
    (app, headers) => ask(app, "/api/v1/environment-document/", { headers, key: "ser.A" }),
  ],
  [
    "304",
    304,
    (app, headers) => ask(app, "/api/v1/flags/", { headers: { ...headers, "if-none-match": "*" } }),
  ],
  ["400", 400, (app, headers) => ask(app, "/api/v1/identities/", { headers, body: "{" })],
  ["401 without key", 401, (app, headers) => ask(app, "/api/v1/flags/", { headers, key: null })],
  ["401", 401, (app, headers) => ask(app, "/api/v1/flags/", { headers, key: "wrong" })],
  ["401 of the document", 401, (app, headers) => ask(app, "/api/v1/environment-document/", { headers })],
  ["403", 403, (app, headers) => ask(app, "/api/v1/flags/", { headers, key: "clientS" })],
  ["404 of a feature", 404, (app, headers) => ask(app, "/api/v1/flags/?feature=nope", { headers })],
  ["404 of a route", 404, (app, headers) => ask(app, "/nope", { headers })],
  ["405", 405, (app, headers) => ask(app, "/api/v1/flags/", { headers, method: "DELETE" })],
  ["413", 413, (app, headers) => ask(app, "/api/v1/identities/", { headers, body: "x".repeat(300_000) })],
  [
    "415",
    415,
    (app, headers) =>
      ask(app, "/api/v1/identities/", { headers: { ...headers, "content-encoding": "br" }, body: {} }),
  ],
  ["422", 422, (app, headers) => ask(app, "/api/v1/identities/", { headers })],
  ["503", 503, (app, headers) => ask(app, "/api/v1/flags/", { headers, key: "clientW" })],
  ["health", 200, (app, headers) => ask(app, "/health", { headers, key: null })],
  ["liveness", 200, (app, headers) => ask(app, "/proxy/health/liveness", { headers, key: null })],
];

const allowedOrigin = ({ headers }: Answer) => headers.get("access-control-allow-origin");

describe.each(answers)("%s", (_, status, send) => {
  it("may be read by any origin where any is allowed, without credentials", async () => {
    const app = await createApp();
    for (const origin of [listed, "https://evil.test", "null"]) {
      const answer = await send(app, { origin });
      expect(answer.status).toBe(status);
      expect(allowedOrigin(answer)).toBe("*");
      expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
    }
  });

  it("may be read by a listed origin, and says that it varies", async () => {
    const app = await createApp({ allowOrigins: ["https://first.test", listed] });
    for (const origin of [listed, "https://first.test"]) {
      const answer = await send(app, { origin });
      expect(answer.status).toBe(status);
      expect(allowedOrigin(answer)).toBe(origin);
      expect(answer.headers.get("vary")).toMatch(/\borigin\b/i);
      expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
    }
  });

  it("names no other origin, and still varies", async () => {
    const app = await createApp({ allowOrigins: [listed] });
    for (const origin of evil) {
      const answer = await send(app, { origin });
      expect(answer.status).toBe(status);
      expect(allowedOrigin(answer)).toBeNull();
      expect(answer.headers.get("vary")).toMatch(/\borigin\b/i);
      expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
    }
    const withoutOrigin = await send(app, {});
    expect(allowedOrigin(withoutOrigin)).toBeNull();
    expect(withoutOrigin.headers.get("vary")).toMatch(/\borigin\b/i);
  });
});

describe("an answer that was prepared under other settings", () => {
  const other = "https://other.test";

  it.each([
    ["any origin, and now a list", ["*"], [listed]],
    ["a list, and now any origin", [listed], ["*"]],
    ["a list, and now another one", [other], [listed]],
    ["no origin, and now a list", [], [listed]],
  ])("follows those of today: %s", async (_, preparedFor, allowOrigins) => {
    const fresh = await createApp({ allowOrigins });
    const changed = await createApp({ allowOrigins, preparedFor });
    const headersOf = ({ headers }: Answer) => new Map([...headers].sort());
    for (const [name, , send] of answers) {
      for (const headers of [{}, { origin: listed }, { origin: other }] as Record<string, string>[]) {
        const answer = await send(changed, headers);
        expect(headersOf(answer), name).toEqual(headersOf(await send(fresh, headers)));
      }
    }
  });
});

describe("an answer kept for one origin", () => {
  it("is sent to another with the other's name", async () => {
    const app = await createApp({ allowOrigins: ["https://first.test", listed] });
    const body = { identifier: "x" };
    for (const origin of ["https://first.test", listed, "https://evil.test", "https://first.test"]) {
      const expected = origin === "https://evil.test" ? null : origin;
      expect(allowedOrigin(await ask(app, "/api/v1/identities/", { headers: { origin }, body }))).toBe(
        expected,
      );
      const got = await ask(app, "/api/v1/identities/?identifier=x", { headers: { origin } });
      expect(allowedOrigin(got)).toBe(expected);
    }
  });
});

describe("a preflight", () => {
  const paths = [
    "/api/v1/flags",
    "/api/v1/flags/",
    "/api/v1/identities/",
    "/api/v1/bulk-identities",
    "/nope/",
  ];
  const requested = "x-environment-key, content-type, flagsmith-sdk-user-agent, sentry-trace";
  const preflight = (app: TestApp, path: string, origin: string) =>
    ask(app, path, {
      method: "OPTIONS",
      key: null,
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": requested,
      },
    });

  it.each(paths)("of %s is a 204 that allows the methods and what headers were asked for", async (path) => {
    for (const [allowOrigins, expected] of [
      [["*"], "*"],
      [[listed], listed],
    ] as const) {
      const answer = await preflight(await createApp({ allowOrigins }), path, listed);
      expect([answer.status, answer.text]).toEqual([204, ""]);
      expect(allowedOrigin(answer)).toBe(expected);
      expect(answer.headers.get("access-control-allow-headers")).toBe(requested);
      expect(answer.headers.get("access-control-allow-methods")).toBe("GET, HEAD, POST, PUT, OPTIONS");
      expect(answer.headers.get("access-control-max-age")).toBe("600");
      expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
      expect(answer.headers.has("location")).toBe(false);
    }
  });

  it("allows nothing to an origin that is not listed", async () => {
    const app = await createApp({ allowOrigins: [listed] });
    for (const origin of evil) {
      const answer = await preflight(app, "/api/v1/flags/", origin);
      expect(answer.status).toBe(204);
      expect(allowedOrigin(answer)).toBeNull();
      expect(answer.headers.get("vary")).toMatch(/\borigin\b/i);
      expect(answer.headers.has("access-control-allow-headers")).toBe(false);
    }
  });

  it("that asks for no headers is allowed none", async () => {
    const headers = { origin: listed, "access-control-request-method": "GET" };
    const answer = await ask(await createApp(), "/api/v1/flags/", { method: "OPTIONS", key: null, headers });
    expect(answer.status).toBe(204);
    expect(allowedOrigin(answer)).toBe("*");
    expect(answer.headers.has("access-control-allow-headers")).toBe(false);
  });
});
