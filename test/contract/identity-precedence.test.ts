/** Contract A5: identity override before segment override before environment, and how overrides are found. */
import { describe, expect, it } from "vitest";
import {
  condition,
  type DocumentOptions,
  environmentA,
  feature,
  identityOverride,
  segment,
} from "../support/contract-documents.ts";
import { ask, flagsOf, flagValue } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/identities/";
const createApp = async (options: DocumentOptions) => {
  const features = [feature(1, "f", { value: "environment" }), feature(2, "g", { value: "environment" })];
  return (await createTestApp({ environments: [environmentA({ features, ...options })] })).app;
};
const always = [condition("plan", "EQUAL", "gold")];
const traits = [{ trait_key: "plan", trait_value: "gold" }];
const overridden = (value: string, priority: number | null) => [feature(1, "f", { value, priority })];

async function valueFor(options: DocumentOptions, identifier = "x"): Promise<unknown> {
  return flagValue(await ask(await createApp(options), path, { body: { identifier, traits } }), "f");
}

describe("precedence", () => {
  const segments = [segment(1, always, overridden("segment", 0))];
  const overrides = [identityOverride("vip", [feature(1, "f", { value: "identity" })])];

  it("is the identity, then the segment, then the environment", async () => {
    const app = await createApp({ segments, overrides });
    const ofIdentity = async (body: object) => flagValue(await ask(app, path, { body }), "f");
    expect(await ofIdentity({ identifier: "vip", traits })).toBe("identity");
    expect(await ofIdentity({ identifier: "x", traits })).toBe("segment");
    expect(await ofIdentity({ identifier: "x" })).toBe("environment");
    expect(await ofIdentity({ identifier: "vip" })).toBe("identity");
  });

  it("is the strictly lowest priority among segments", async () => {
    const order = (first: number | null, second: number | null) => [
      segment(9, always, overridden("first", first)),
      segment(3, always, overridden("second", second)),
    ];
    expect(await valueFor({ segments: order(2, 1) })).toBe("second");
    expect(await valueFor({ segments: order(1, 2) })).toBe("first");
    expect(await valueFor({ segments: order(0, 1) })).toBe("first");
    expect(await valueFor({ segments: order(5, 5) })).toBe("first");
    expect(await valueFor({ segments: order(null, 1000) })).toBe("second");
    expect(await valueFor({ segments: order(null, null) })).toBe("first");
  });

  it("reads a missing priority as the last", async () => {
    const segments = [
      segment(1, always, [feature(1, "f", { value: "without" })]),
      segment(2, always, overridden("with", 99)),
    ];
    expect(await valueFor({ segments })).toBe("with");
  });

  it("passes over overrides of features that the environment does not have", async () => {
    const unknown = [feature(77, "unknown", { value: "x", priority: 0 })];
    const app = await createApp({
      segments: [segment(1, always, unknown)],
      overrides: [identityOverride("vip", unknown)],
    });
    const answer = await ask(app, path, { body: { identifier: "vip", traits } });
    expect(flagsOf(answer).map((each) => each.feature.name)).toEqual(["f", "g"]);
  });
});

describe("an identity override", () => {
  it.each([
    "00123",
    "1.5",
    "a,b",
    "vip ",
    "true",
    "[1]",
    "__proto__",
    "constructor",
    "ключ_日本",
    "10",
    "e\u0301",
  ])("is found by exactly the identifier %j", async (identifier) => {
    const overrides = [identityOverride(identifier, [feature(1, "f", { value: "identity" })])];
    expect(await valueFor({ overrides }, identifier)).toBe("identity");
  });

  it.each([
    ["00123", "123"],
    ["123", "00123"],
    ["1.5", "1.50"],
    ["a,b", "a"],
    ["a,b", "b"],
    ["vip", "VIP"],
    ["vip", "vip "],
    ["vip", " vip"],
    ["1", "1.0"],
    ["é", "e\u0301"],
    ["__proto__", "constructor"],
    ["", "x"],
  ])("of %j is not found by %j", async (overriddenIdentifier, identifier) => {
    const overrides = [identityOverride(overriddenIdentifier, [feature(1, "f", { value: "identity" })])];
    expect(await valueFor({ overrides }, identifier)).toBe("environment");
  });

  it("may be spread over entries: they merge, and the first per feature wins", async () => {
    const overrides = [
      identityOverride("vip", [feature(1, "f", { value: "first" })]),
      identityOverride("other", [feature(1, "f", { value: "other" }), feature(2, "g", { value: "other" })]),
      identityOverride("vip", [feature(1, "f", { value: "second" }), feature(2, "g", { value: "merged" })]),
    ];
    const app = await createApp({ overrides });
    const answer = await ask(app, path, { body: { identifier: "vip" } });
    expect([flagValue(answer, "f"), flagValue(answer, "g")]).toEqual(["first", "merged"]);
  });

  it("may be multivariate", async () => {
    const split = feature(1, "f", { value: "control", variants: [[100, "forced", "treatment"]] });
    const app = await createApp({ overrides: [identityOverride("vip", [split])] });
    const [flag] = flagsOf(await ask(app, path, { body: { identifier: "vip" } }));
    expect([flag?.feature_state_value, flag?.variant]).toEqual(["forced", "treatment"]);
  });

  it("may carry a variant with a uuid and no id", async () => {
    const split = feature(1, "f", { value: "control", variants: [[100, "forced", "treatment"]] });
    const [variant] = split.multivariate_feature_state_values;
    const withoutId = { ...split, multivariate_feature_state_values: [{ ...variant, id: null }] };
    const overrides = [{ ...identityOverride("vip", []), identity_features: [withoutId] }];
    expect(await valueFor({ overrides }, "vip")).toBe("forced");
  });

  it("counts for GET as for POST", async () => {
    const overrides = [identityOverride("a b+c", [feature(1, "f", { value: "identity" })])];
    const app = await createApp({ overrides });
    const answer = await ask(app, `${path}?identifier=${encodeURIComponent("a b+c")}`);
    expect(flagValue(answer, "f")).toBe("identity");
    expect(flagValue(await ask(app, `${path}?identifier=a+b%2Bc`), "f")).toBe("identity");
  });
});
