/** Contract A2: `allow_client_traits`, `hide_sensitive_data` and `stop_serving_flags` count as in core. */
import { describe, expect, it } from "vitest";
import {
  condition,
  type DocumentOptions,
  environmentA,
  feature,
  segment,
} from "../support/contract-documents.ts";
import { ask, expectError, flagValue, jsonOf, serverKey } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/identities/";
const adults = segment(
  1,
  [condition("age", "GREATER_THAN", "17")],
  [feature(1, "bar", { value: "beer", priority: 0 })],
);
const createApp = async (options: DocumentOptions) => {
  const base = { features: [feature(1, "bar", { value: "juice" })], segments: [adults] };
  return (await createTestApp({ environments: [environmentA({ ...base, ...options })] })).app;
};
const traits = [{ trait_key: "age", trait_value: 21, transient: true }];

describe("allow_client_traits=false", () => {
  const options = { extra: { allow_client_traits: false } };

  it("drops the traits of client keys: they neither count nor come back", async () => {
    const app = await createApp(options);
    const answer = await ask(app, path, { body: { identifier: "x", traits } });
    expect(flagValue(answer, "bar")).toBe("juice");
    expect(jsonOf(answer)).toMatchObject({ identifier: "x", traits: [] });
    const bulk = await ask(app, "/api/v1/bulk-identities/", {
      body: { data: [{ identifier: "x", traits }] },
    });
    expect(bulk.text).toBe(`[${answer.text}]`);
  });

  it("keeps the traits of server keys", async () => {
    const app = await createApp(options);
    const answer = await ask(app, path, { key: serverKey, body: { identifier: "x", traits } });
    expect(flagValue(answer, "bar")).toBe("beer");
    expect(jsonOf(answer)).toMatchObject({ traits });
  });

  it("does not keep one view's answer for the other, whoever comes first", async () => {
    for (const keys of [
      ["clientA", "ser.A", "clientA"],
      ["ser.A", "clientA", "ser.A"],
    ]) {
      const app = await createApp(options);
      for (const key of keys) {
        const answer = await ask(app, path, { key, body: { identifier: "x", traits } });
        expect(flagValue(answer, "bar")).toBe(key === "ser.A" ? "beer" : "juice");
      }
    }
  });

  it("still validates the traits that it drops", async () => {
    const app = await createApp(options);
    const answer = await ask(app, path, { body: { identifier: "x", traits: [{ trait_value: 1 }] } });
    expectError(answer, 422, "unprocessable_entity");
  });

  it("leaves a client without identifier a random one, since no trait is left", async () => {
    const app = await createApp(options);
    const first = jsonOf(await ask(app, path, { body: { traits } })) as { identifier: string };
    const second = jsonOf(await ask(app, path, { body: { traits } })) as { identifier: string };
    expect(first.identifier).toMatch(/^[0-9a-f]{32}$/);
    expect(second.identifier).not.toBe(first.identifier);
  });
});

describe("hide_sensitive_data", () => {
  it("answers no traits, though they count", async () => {
    const app = await createApp({ extra: { hide_sensitive_data: true } });
    for (const key of ["clientA", "ser.A"]) {
      const answer = await ask(app, path, { key, body: { identifier: "x", traits } });
      expect(jsonOf(answer)).toMatchObject({ identifier: "x", traits: [] });
      expect(flagValue(answer, "bar")).toBe("beer");
    }
  });
});

describe("stop_serving_flags", () => {
  const asked = [
    ["/api/v1/flags", undefined],
    ["/api/v1/flags/?feature=bar", undefined],
    ["/api/v1/flags/?feature=nope", undefined],
    ["/api/v1/identities?identifier=x", undefined],
    ["/api/v1/identities", { identifier: "x" }],
    ["/api/v1/bulk-identities", { data: [] }],
  ] as const;

  it.each(asked)("answers 403 on %s %j", async (route, body) => {
    const app = await createApp({ stopped: true });
    for (const key of ["clientA", "ser.A"]) {
      const answer = await ask(app, route, { key, ...(body === undefined ? {} : { body }) });
      expectError(answer, 403, "forbidden");
      expect(answer.text).not.toMatch(/clientA|ser\.A|juice/);
    }
  });

  it("answers 403 on the document too", async () => {
    const app = await createApp({ stopped: true });
    expectError(await ask(app, "/api/v1/environment-document", { key: serverKey }), 403, "forbidden");
    // Authentication comes first: here a client key is unknown, stopped or not.
    expectError(await ask(app, "/api/v1/environment-document"), 401, "unauthorized");
  });

  it("ends with the next document", async () => {
    const { app, publish } = await createTestApp({ environments: [environmentA({ stopped: true })] });
    expect((await ask(app, "/api/v1/flags")).status).toBe(403);
    await publish("clientA", environmentA().document as string);
    expect((await ask(app, "/api/v1/flags")).status).toBe(200);
  });
});
