/** Contract A3, reliability E1, E2, E4: what a presented key does, and that no answer shows another. */
import { describe, expect, it } from "vitest";
import { documentText, environmentA } from "../support/contract-documents.ts";
import { ask, expectError } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/flags/";

describe("an unknown key", () => {
  it.each([63, 64, 65, 15_000])("of %d characters is repeated up to 64 characters", async (length) => {
    const { app } = await createTestApp({ environments: [environmentA()] });
    const key = "k".repeat(length);
    const answer = await ask(app, path, { key });
    expectError(answer, 401, "unauthorized", `unknown key '${"k".repeat(Math.min(length, 64))}'`);
  });

  it("is repeated so that the answer stays JSON, whatever it is", async () => {
    const { app } = await createTestApp({ environments: [environmentA()] });
    for (const key of [`it's "quoted"`, "a\\b", "caf\u00ff", "<script>", "%s {0} $x"]) {
      expectError(await ask(app, path, { key }), 401, "unauthorized", `unknown key '${key}'`);
    }
  });

  it("is one that another was added to: two key headers open nothing", async () => {
    const { app } = await createTestApp({ environments: [environmentA()] });
    for (const second of ["clientA", "ser.A", "other"]) {
      const headers = new Headers({ "x-environment-key": "clientA" });
      headers.append("x-environment-key", second);
      const response = await app.request(path, { headers });
      expect(response.status).toBe(401);
    }
  });

  it("in the query, a cookie or an Authorization header is no key", async () => {
    const { app } = await createTestApp({ environments: [environmentA()] });
    const headers = { authorization: "Bearer clientA", cookie: "X-Environment-Key=clientA" };
    const answer = await ask(app, `${path}?X-Environment-Key=clientA`, { key: null, headers });
    expectError(answer, 401, "unauthorized");
  });
});

describe("the order of checks", () => {
  const faulty: readonly (readonly [string, string])[] = [
    ["not JSON", "{"],
    ["the wrong shape", `{"identifier":5}`],
    ["too long", `{"identifier":"${"x".repeat(300_000)}"}`],
  ];

  it.each(faulty)("authenticates before it looks at a body that is %s", async (_, body) => {
    const { app } = await createTestApp({ environments: [environmentA()] });
    for (const route of ["/api/v1/identities/", "/api/v1/bulk-identities/"]) {
      expectError(await ask(app, route, { key: null, body }), 401, "unauthorized");
      expectError(await ask(app, route, { key: "wrong", body }), 401, "unauthorized");
    }
  });

  it("authenticates before it looks for the identifier and the feature", async () => {
    const { app } = await createTestApp({ environments: [environmentA()] });
    expectError(await ask(app, "/api/v1/identities/", { key: "wrong" }), 401, "unauthorized");
    expectError(await ask(app, "/api/v1/flags/?feature=nope", { key: "wrong" }), 401, "unauthorized");
  });
});

describe("an environment whose document is not loaded yet", () => {
  const waiting = { clientSideKey: "clientW", serverSideKey: "ser.W", document: null };
  const asked = [
    ["/api/v1/flags/", undefined],
    ["/api/v1/flags?feature=one", undefined],
    ["/api/v1/identities/?identifier=x", undefined],
    ["/api/v1/identities/", { identifier: "x" }],
    ["/api/v1/bulk-identities/", { data: [] }],
  ] as const;

  it.each(asked)("answers 503 with Retry-After on %s %j", async (route, body) => {
    const { app } = await createTestApp({ environments: [waiting, environmentA()] });
    for (const key of ["clientW", "ser.W"]) {
      const answer = await ask(app, route, { key, ...(body === undefined ? {} : { body }) });
      expectError(answer, 503, "service_unavailable", "Environment not loaded");
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    }
  });

  it("answers 503 on the document to its server key, and 401 to its client key", async () => {
    const { app } = await createTestApp({ environments: [waiting] });
    const server = await ask(app, "/api/v1/environment-document/", { key: "ser.W" });
    expectError(server, 503, "service_unavailable", "Environment not loaded");
    expect(server.headers.get("retry-after")).not.toBeNull();
    const client = await ask(app, "/api/v1/environment-document/", { key: "clientW" });
    expectError(client, 401, "unauthorized", "unknown key 'clientW'");
    expect(client.text).not.toContain("ser.W");
  });

  it("is served as soon as the document is there", async () => {
    const { app, publish } = await createTestApp({ environments: [waiting] });
    expect((await ask(app, path, { key: "clientW" })).status).toBe(503);
    await publish("clientW", documentText({ key: "clientW" }));
    expect((await ask(app, path, { key: "clientW" })).status).toBe(200);
  });
});
