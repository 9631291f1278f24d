/** Contract B 4.4: which answers count as usage, for whom, and which do not. */
import { expect, it } from "vitest";
import { environmentA, feature } from "../support/contract-documents.ts";
import { ask, type Question } from "../support/contract-requests.ts";
import { createTestApp, type TestAppOptions } from "../support/test-app.ts";

const loaded = environmentA({ features: [feature(1, "one"), feature(2, "hidden")], serverOnly: [2] });
const unloaded = { clientSideKey: "clientB", serverSideKey: "ser.B", document: null };
const createApp = (options: Partial<TestAppOptions> = {}) =>
  createTestApp({ environments: [loaded, unloaded], ...options });

const identity = { identifier: "x" };
const many = { data: [identity, identity, identity] };

it.each<[string, string, Question]>([
  ["flags", "/api/v1/flags", {}],
  ["flags", "/api/v1/flags/", { key: "ser.A" }],
  ["flags", "/api/v1/flags?feature=one", {}],
  ["flags", "/api/v1/flags?feature=", {}],
  ["flags", "/api/v1/flags", { method: "HEAD" }],
  ["flags", "/api/v1/flags", { headers: { "if-none-match": '"another"' } }],
  ["identities", "/api/v1/identities?identifier=x", {}],
  ["identities", "/api/v1/identities/?identifier=x&feature=one", { key: "ser.A" }],
  ["identities", "/api/v1/identities", { body: identity }],
  ["identities", "/api/v1/identities", { body: { traits: [] } }],
  ["identities", "/api/v1/bulk-identities", { body: many }],
  ["environment-document", "/api/v1/environment-document", { key: "ser.A" }],
])("counts one for %s: %s %o", async (resource, path, question) => {
  const { app, takeUsage } = await createApp();
  // The second time it may be answered from what is kept.
  for (let count = 0; count < 3; count += 1) expect((await ask(app, path, question)).status).toBe(200);
  expect(takeUsage()).toEqual([{ client_side_key: "clientA", resource, count: 3 }]);
  expect(takeUsage()).toEqual([]);
});

it.each<[number, string, Question]>([
  [401, "/api/v1/flags", { key: null }],
  [401, "/api/v1/flags", { key: "wrong" }],
  [401, "/api/v1/environment-document", {}],
  [404, "/api/v1/flags?feature=hidden", {}],
  [404, "/api/v1/identities?identifier=x&feature=hidden", {}],
  [404, "/api/v1/other", {}],
  [405, "/api/v1/flags", { method: "PUT" }],
  [400, "/api/v1/identities", { body: "{" }],
  [400, "/api/v1/bulk-identities", { body: "{" }],
  [422, "/api/v1/identities", { body: [] }],
  [422, "/api/v1/identities", {}],
  [422, "/api/v1/bulk-identities", { body: {} }],
  [413, "/api/v1/identities", { body: " ".repeat(300_000) }],
  [503, "/api/v1/flags", { key: "clientB" }],
  [503, "/api/v1/identities", { key: "clientB", body: identity }],
  [503, "/api/v1/environment-document", { key: "ser.B" }],
  [200, "/proxy/health", {}],
  [200, "/proxy/health/liveness", {}],
  [204, "/api/v1/flags", { method: "OPTIONS", headers: { origin: "https://a.example" } }],
])("counts nothing with %i: %s %o", async (status, path, question) => {
  const { app, takeUsage } = await createApp();
  expect((await ask(app, path, question)).status).toBe(status);
  expect(takeUsage()).toEqual([]);
});

it.each<[string, Question]>([
  ["/api/v1/flags", {}],
  ["/api/v1/flags?feature=one", {}],
  ["/api/v1/identities?identifier=x", {}],
  ["/api/v1/environment-document", { key: "ser.A" }],
])("counts no 304 of %s", async (path, question) => {
  const { app, takeUsage } = await createApp();
  const etag = (await ask(app, path, question)).headers.get("etag") ?? "";
  takeUsage();
  const again = await ask(app, path, { ...question, headers: { "if-none-match": etag } });
  expect(again.status).toBe(304);
  expect(takeUsage()).toEqual([]);
});

it("counts nothing that is refused for lack of time", async () => {
  const { app, takeUsage } = await createApp({ hasTime: () => false });
  for (const path of ["/api/v1/identities", "/api/v1/bulk-identities"]) {
    expect((await ask(app, path, { body: identity })).status).toBe(503);
  }
  expect((await ask(app, "/api/v1/identities?identifier=x")).status).toBe(503);
  expect(takeUsage()).toEqual([]);
});
