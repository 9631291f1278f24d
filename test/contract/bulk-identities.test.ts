/** Contract A1: bulk identities are identities requests in a list, each answered as it would be alone. */
import { describe, expect, it } from "vitest";
import {
  condition,
  environmentA,
  feature,
  identityOverride,
  segment,
} from "../support/contract-documents.ts";
import { ask, expectError, expectFault, jsonOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/bulk-identities/";
const single = "/api/v1/identities/";
const createApp = async () => {
  const features = [feature(1, "one", { value: "first" }), feature(2, "secret")];
  const segments = [
    segment(
      1,
      [condition("age", "GREATER_THAN", "17")],
      [feature(1, "one", { value: "adult", priority: 0 })],
    ),
  ];
  const overrides = [identityOverride("vip", [feature(1, "one", { value: "vip" })])];
  const environment = environmentA({ features, segments, overrides, serverOnly: [2] });
  return (await createTestApp({ environments: [environment] })).app;
};
const items = [
  { identifier: "x" },
  { identifier: "vip", traits: null, transient: null },
  { identifier: "x", traits: [{ trait_key: "age", trait_value: 21, transient: true }] },
  { traits: [{ trait_key: "age", trait_value: "21" }] },
  { identifier: "x" },
  { identifier: "ключ 😀", extra: 1 },
];

describe("bulk identities", () => {
  it.each(["clientA", "ser.A"])("answers each item in its place, as alone, to %s", async (key) => {
    const app = await createApp();
    const alone = await Promise.all(items.map((body) => ask(app, single, { key, body })));
    const answer = await ask(app, path, { key, body: { data: items } });
    expect(jsonOf(answer)).toHaveLength(items.length);
    expect(answer.text).toBe(`[${alone.map(({ text }) => text).join(",")}]`);
    expect(answer.text.includes("secret")).toBe(key === "ser.A");
  });

  it("keeps number text", async () => {
    const trait = `{"trait_key":"k","trait_value":9007199254740993.0}`;
    const body = `{"data":[{"identifier":"x","traits":[${trait}]}]}`;
    expect((await ask(await createApp(), path, { body })).text).toContain(
      `"trait_value":9007199254740993.0}`,
    );
  });

  it("answers an empty list to an empty list", async () => {
    const answer = await ask(await createApp(), path, { body: { data: [] } });
    expect([answer.status, answer.text]).toEqual([200, "[]"]);
  });

  it("gives each item without anything an identifier of its own", async () => {
    const answer = await ask(await createApp(), path, { body: { data: [{}, {}] } });
    const [first, second] = jsonOf(answer) as { identifier: string }[];
    expect(first?.identifier).toMatch(/^[0-9a-f]{32}$/);
    expect(second?.identifier).not.toBe(first?.identifier);
  });

  it.each([
    [{ data: [{}, { identifier: 5 }] }, ["body", "data", 1, "identifier"]],
    [
      { data: [{ traits: [{ trait_key: "k", trait_value: [] }] }] },
      ["body", "data", 0, "traits", 0, "trait_value"],
    ],
    [{ data: [{ traits: {} }] }, ["body", "data", 0, "traits"]],
    [{ data: [5] }, ["body", "data", 0]],
    [{ data: [null] }, ["body", "data", 0]],
    [{ data: [{ identifier: "x".repeat(2001) }] }, ["body", "data", 0, "identifier"]],
    [{ data: {} }, ["body", "data"]],
    [{ data: null }, ["body", "data"]],
    [{ data: "x" }, ["body", "data"]],
    [{}, ["body", "data"]],
    [{ identifier: "x" }, ["body", "data"]],
  ])("refuses all for one fault: %j", async (body, loc) => {
    expectFault(await ask(await createApp(), path, { body }), loc);
  });

  // Ambiguous: the contract gives no limit of items beyond the body's, style 7 wants a limit on everything.
  // Pinned: the setting's 100.
  it("takes as many items as its limit, and no more", async () => {
    const app = await createApp();
    const data = (count: number) => ({ data: Array.from({ length: count }, () => ({ identifier: "x" })) });
    expect((await ask(app, path, { body: data(100) })).status).toBe(200);
    expectFault(await ask(app, path, { body: data(101) }), ["body", "data"], "too_long");
  });

  it("has no GET", async () => {
    expectError(await ask(await createApp(), path), 405, "method_not_allowed");
  });
});
