/** Contract A1, A3, reliability E14, E17 to E20: paths, methods, trailing slashes, HEAD, and no others. */
import { describe, expect, it } from "vitest";
import { environmentA, feature } from "../support/contract-documents.ts";
import { ask, expectError, serverKey } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const createApp = async () => {
  const features = [feature(1, "one", { value: "long enough ".repeat(200) })];
  return (await createTestApp({ environments: [environmentA({ features })] })).app;
};
const readable = [
  "/api/v1/flags",
  "/api/v1/identities?identifier=x",
  "/api/v1/environment-document",
  "/sse/environments/clientA/stream",
  "/health",
  "/proxy/health",
  "/proxy/health/readiness",
  "/proxy/health/liveness",
];
const slashed = (path: string) => path.replace(/(\?|$)/, "/$1");

describe("a trailing slash", () => {
  it.each(readable)("makes no difference to GET %s, and never redirects", async (path) => {
    const app = await createApp();
    const without = await ask(app, path, { key: serverKey });
    const withSlash = await ask(app, slashed(path), { key: serverKey });
    expect([without.status, withSlash.status]).toEqual([200, 200]);
    expect(withSlash.text).toBe(without.text);
    expect([...withSlash.headers]).toEqual([...without.headers]);
  });

  it.each([
    ["/api/v1/identities", { identifier: "x" }],
    ["/api/v1/bulk-identities", { data: [{ identifier: "x" }] }],
  ])("makes no difference to POST %s", async (path, body) => {
    const app = await createApp();
    const [without, withSlash] = [await ask(app, path, { body }), await ask(app, `${path}/`, { body })];
    expect([without.status, withSlash.status]).toEqual([200, 200]);
    expect(withSlash.text).toBe(without.text);
  });
});

describe("HEAD", () => {
  const asked = readable.flatMap((path) => [path, slashed(path)]);

  it.each(asked)("answers as GET without a body on %s", async (path) => {
    const app = await createApp();
    for (const accept of ["identity", "gzip"]) {
      const question = { key: serverKey, headers: { "accept-encoding": accept } };
      const got = await ask(app, path, question);
      const head = await ask(app, path, { ...question, method: "HEAD" });
      expect(head.status).toBe(200);
      expect(head.bytes.byteLength).toBe(0);
      expect([...head.headers]).toEqual([...got.headers]);
    }
  });

  it("answers errors without a body, and 304", async () => {
    const app = await createApp();
    for (const [path, key, status] of [
      ["/api/v1/flags/", null, 401],
      ["/api/v1/flags/?feature=nope", serverKey, 404],
      ["/api/v1/identities/", serverKey, 422],
      ["/api/v1/environment-document/", "clientA", 401],
      ["/nope", serverKey, 404],
    ] as const) {
      const head = await ask(app, path, { key, method: "HEAD" });
      expect([head.status, head.bytes.byteLength]).toEqual([status, 0]);
    }
    const headers = { "if-none-match": "*" };
    expect((await ask(app, "/api/v1/flags/", { method: "HEAD", headers })).status).toBe(304);
  });
});

describe("a method that a route does not take", () => {
  const methods: readonly (readonly [string, readonly string[]])[] = [
    ["/api/v1/flags", ["GET", "HEAD", "OPTIONS"]],
    ["/api/v1/identities", ["GET", "HEAD", "OPTIONS", "POST"]],
    ["/api/v1/environment-document", ["GET", "HEAD", "OPTIONS"]],
    ["/api/v1/bulk-identities", ["OPTIONS", "POST"]],
    ["/sse/environments/clientA/stream", ["GET", "HEAD", "OPTIONS"]],
    ["/health", ["GET", "HEAD", "OPTIONS"]],
    ["/proxy/health", ["GET", "HEAD", "OPTIONS"]],
    ["/proxy/health/readiness", ["GET", "HEAD", "OPTIONS"]],
    ["/proxy/health/liveness", ["GET", "HEAD", "OPTIONS"]],
  ];
  const all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"];

  it.each(methods)("is a 405 with Allow on %s, with and without slash", async (path, allowed) => {
    const app = await createApp();
    for (const method of all.filter((each) => !allowed.includes(each))) {
      for (const asked of [path, `${path}/`]) {
        const answer = await ask(app, asked, { method });
        expect(answer.status).toBe(405);
        if (method !== "HEAD") expectError(answer, 405, "method_not_allowed");
        expect(answer.headers.get("allow")?.split(", ").toSorted()).toEqual(allowed);
      }
    }
  });

  it.each(methods)("is told by OPTIONS on %s", async (path, allowed) => {
    const app = await createApp();
    const answer = await ask(app, path, { method: "OPTIONS", key: null });
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(answer.headers.get("allow")?.split(", ").toSorted()).toEqual(allowed);
  });
});

describe("an unknown path", () => {
  const unknown = [
    "/",
    "/api",
    "/api/v1",
    "/api/v1/",
    "/api//v1/flags",
    "/API/v1/flags",
    "/api/v1/Flags",
    "//api/v1/flags",
    "/api/v1/flags//",
    "/api/v1/flags/one",
    "/api/v1/%zz",
    "/api/v1/%ff",
    "/api/v1/flags%2F",
    "/api/v2/flags",
    "/api/v1/flags;a=b",
    "/api/v1/flags.json",
    "/health/x",
    "/proxy",
    "/proxy/health/nope",
    "/docs",
    "/openapi.json",
    "/metrics",
    "/favicon.ico",
    "/__proto__",
    "/constructor",
    "/api/v1/identities/x",
    "/sse/environments/clientA",
    "/sse/environments//stream",
    "/sse/environments/a/b/stream",
    "/sse/environments/clientA/stream/x",
    "/api/v1/environment-documents",
  ];

  it.each(unknown)("is a 404 for any method: %s", async (path) => {
    const app = await createApp();
    for (const method of ["GET", "POST", "DELETE"]) {
      const answer = await ask(app, path, { method, key: serverKey });
      expectError(answer, 404, "not_found");
      expect(answer.headers.has("allow")).toBe(false);
    }
  });

  it.each([
    "/api/v1/analytics/flags",
    "/api/v2/analytics/flags",
    "/api/v1/traits",
    "/api/v1/traits/bulk",
    "/api/v1/traits/increment-value",
  ])("is for now what comes later: %s", async (path) => {
    const app = await createApp();
    for (const asked of [path, `${path}/`]) {
      for (const method of ["GET", "POST", "PUT"]) {
        expectError(await ask(app, asked, { method }), 404, "not_found");
      }
    }
  });

  it("may be another way to write a known one, whose key is asked for as ever", async () => {
    const app = await createApp();
    for (const path of ["/api/v1/x/../flags/", "/api/v1/%2e%2e/v1/flags/", "/api/v1/./flags"]) {
      expect((await ask(app, path)).status).toBe(200);
      expectError(await ask(app, path, { key: null }), 401, "unauthorized");
    }
  });

  it("is not quoted in the answer", async () => {
    const app = await createApp();
    expect((await ask(app, "/<script>alert(1)</script>")).text).not.toContain("script");
  });
});
