/** Contract traps 18, 35, reliability E21, E36: names that every JavaScript object has are ordinary names. */
import { describe, expect, it } from "vitest";
import {
  condition,
  type DocumentOptions,
  environmentA,
  feature,
  identityOverride,
  segment,
} from "../support/contract-documents.ts";
import { ask, expectError, flagValue, jsonOf, namesOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/identities/";
const names = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "prototype",
  "length",
  "0",
];
const createApp = async (options: DocumentOptions = {}) =>
  (await createTestApp({ environments: [environmentA(options)] })).app;

describe.each(names)("the name %s", (name) => {
  it("may be a feature's, and is found where it is one", async () => {
    const app = await createApp({ features: [feature(1, "one"), feature(2, name, { value: "mine" })] });
    expect(flagValue(await ask(app, "/api/v1/flags/"), name)).toBe("mine");
    expect(jsonOf(await ask(app, `/api/v1/flags/?feature=${name}`))).toMatchObject({
      feature_state_value: "mine",
    });
    expect(namesOf(await ask(app, `${path}?identifier=x&feature=${name}`))).toEqual([name]);
    const without = await createApp();
    expectError(await ask(without, `/api/v1/flags/?feature=${name}`), 404, "not_found");
    expectError(await ask(without, `${path}?identifier=x&feature=${name}`), 404, "not_found");
  });

  it("may be a server-only feature's", async () => {
    const app = await createApp({ features: [feature(2, name, { value: "mine" })], serverOnly: [2] });
    expect(namesOf(await ask(app, "/api/v1/flags/"))).toEqual([]);
    expectError(await ask(app, `/api/v1/flags/?feature=${name}`), 404, "not_found");
  });

  it("may be a trait's key, and is unset where it was not sent", async () => {
    const isSet = [condition(name, "IS_SET", "")];
    const segments = [segment(1, isSet, [feature(1, "one", { value: "matched", priority: 0 })])];
    const app = await createApp({ segments });
    const sent = [{ trait_key: name, trait_value: "v" }];
    const withTrait = await ask(app, path, { body: { identifier: "x", traits: sent } });
    expect(flagValue(withTrait, "one")).toBe("matched");
    expect(jsonOf(withTrait)).toMatchObject({ traits: sent });
    expect(flagValue(await ask(app, path, { body: { identifier: "x" } }), "one")).toBe("first");
  });
});

describe.each(names)("the name %s in a request", (name) => {
  it("may be an identifier, with an override of its own or none", async () => {
    const overrides = [identityOverride("other", [feature(1, "one", { value: "overridden" })])];
    const app = await createApp({ overrides });
    const answer = await ask(app, path, { body: { identifier: name } });
    expect(jsonOf(answer)).toMatchObject({ identifier: name });
    expect(flagValue(answer, "one")).toBe("first");
    const own = [identityOverride(name, [feature(1, "one", { value: "overridden" })])];
    const overridden = await createApp({ overrides: own });
    expect(flagValue(await ask(overridden, `${path}?identifier=${name}`), "one")).toBe("overridden");
  });

  it("may be a member of a body, and changes nothing there", async () => {
    const app = await createApp();
    for (const value of [`{"identifier":"evil","trait_key":"evil"}`, "1", "null", "[]", "1.0"]) {
      const body = `{"${name}":${value},"traits":[{"${name}":${value},"trait_key":"k","trait_value":1}]}`;
      const answer = await ask(app, path, { body });
      expect(answer.text).not.toContain("evil");
      expect(jsonOf(answer)).toMatchObject({ traits: [{ trait_key: "k", trait_value: 1 }] });
    }
    const missing = await ask(app, path, { body: `{"traits":[{"${name}":{"trait_key":"evil"}}]}` });
    expectError(missing, 422, "unprocessable_entity");
    const noData = await ask(app, "/api/v1/bulk-identities/", { body: `{"${name}":{"data":[]}}` });
    expectError(noData, 422, "unprocessable_entity");
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>)["identifier"]).toBeUndefined();
  });

  it("may be a parameter of the query", async () => {
    const app = await createApp();
    expect((await ask(app, `${path}?${name}=evil&identifier=x`)).status).toBe(200);
    expectError(await ask(app, `${path}?${name}=x`), 422, "unprocessable_entity");
  });

  it("may be a segment's name and the name of its feature", async () => {
    const overriding = segment(
      1,
      [condition("k", "EQUAL", "v")],
      [feature(2, name, { value: "seg", priority: 1 })],
    );
    const app = await createApp({
      features: [feature(2, name, { value: "env" })],
      segments: [{ ...overriding, name }],
    });
    const traits = [{ trait_key: "k", trait_value: "v" }];
    expect(flagValue(await ask(app, path, { body: { identifier: "x", traits } }), name)).toBe("seg");
    expect(flagValue(await ask(app, path, { body: { identifier: "x" } }), name)).toBe("env");
  });
});
