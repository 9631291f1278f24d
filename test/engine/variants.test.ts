/**
 * Multivariate features and identity overrides (contract A5, B 5.2, B 5.3). Expected values are the reference
 * engine's, adjusted as `test/vectors/README.md` says.
 */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/engine/compile-outcomes.ts";
import { parseJson } from "../../src/models/json.ts";
import {
  evaluate,
  everybody,
  flagOf,
  type Json,
  prioritized,
  state,
  variant,
  variants,
} from "../support/engine-documents.ts";

describe("variants", () => {
  it.each<[string, Pick<Outcome, "value" | "variant" | "reason">, readonly Json[]]>([
    [
      "the share that holds the hash wins",
      { value: "b", variant: null, reason: "SPLIT; weight=20" },
      [variant("a", 40, { id: 1 }), variant("b", 20, { id: 2 })],
    ],
    [
      "shares are ordered by id",
      { value: "a", variant: "A", reason: "SPLIT; weight=40" },
      [variant("a", 40, { id: 2, key: "A" }), variant("b", 20, { id: 1 })],
    ],
    [
      "a uuid is a larger number than any id",
      { value: "b", variant: null, reason: "SPLIT; weight=52" },
      [
        variant("a", 50, { mv_fs_value_uuid: "00000000-0000-0000-0000-000000000fff" }),
        variant("b", 52, { id: 7 }),
      ],
    ],
    [
      "an id of zero counts as none",
      { value: "a", variant: null, reason: "SPLIT; weight=52" },
      [
        variant("b", 50, { id: 0, mv_fs_value_uuid: "00000000-0000-0000-0000-000000000002" }),
        variant("a", 52, { id: 1 }),
      ],
    ],
    [
      "equal ids keep the order of the document",
      { value: "a", variant: null, reason: "SPLIT; weight=60" },
      [variant("a", 60, { id: 1 }), variant("b", 60, { id: 1 })],
    ],
    [
      "no share is a control hit, which keeps the reason",
      { value: "control value", variant: "control", reason: "DEFAULT" },
      [variant("a", 30, { id: 1, key: "A" }), variant("b", 0, { id: 2 })],
    ],
    [
      "shares beyond 100 % never win",
      { value: "a", variant: null, reason: "SPLIT; weight=100" },
      [variant("a", 100, { id: 1 }), variant("b", 100, { id: 2 })],
    ],
    [
      "a weight is printed as JavaScript prints it",
      { value: "a", variant: null, reason: "SPLIT; weight=60" },
      [variant("a", parseJson("60.0"), { id: 1 })],
    ],
  ])("%s", (_says, expected, multivariate) => {
    expect(flagOf({ features: [state("f", "control value", variants(...multivariate))] })).toEqual(expected);
  });

  it("of a segment override are hashed by its own key, and a control hit keeps the segment", () => {
    const shares = variants(variant("a", 53, { id: 1 }));
    const features = [state("f", "default", shares)];
    expect(flagOf({ features }).value).toBe("a");
    // 78986 and test_env_foobar hash to 54.53 %.
    const segments = [everybody(1, state("f", "override", { ...shares, django_id: 78986 }))];
    expect(flagOf({ features, segments })).toEqual({
      value: "override",
      variant: "control",
      reason: "TARGETING_MATCH; segment=segment 1",
    });
  });

  it("are hashed by the uuid where the id is missing or zero", () => {
    const shares = variants(variant("a", 53, { id: 1 }));
    const features = [state("f", "x", { ...shares, django_id: 0, featurestate_uuid: "78986" })];
    expect(flagOf({ features }).variant).toBe("control");
  });
});

describe("identity overrides", () => {
  const features = [state("f", "default"), state("g", "default")];
  const override = (identifier: string, ...states: readonly Json[]) => ({
    identifier,
    identity_features: states,
  });

  it("beat every segment", () => {
    const segments = [everybody(1, state("f", "segment", prioritized(-1)))];
    const flag = flagOf({ features, segments, overrides: [override("foobar", state("f", "identity"))] });
    expect(flag).toEqual({
      value: "identity",
      variant: null,
      reason: "TARGETING_MATCH; segment=identity_overrides",
    });
  });

  it.each<[string, string, string]>([
    ["equal strings match", "007", "identity"],
    ["numbers are not compared", "7", "default"],
    ["lists are not split", "007,8", "default"],
    ["case counts", "FOO", "default"],
  ])("%s", (_says, identifier, value) => {
    const overrides = ["007", "foo"].map((each) => override(each, state("f", "identity")));
    expect(flagOf({ features, overrides }, identifier).value).toBe(value);
  });

  it("of one identifier merge, the first that has a feature winning", () => {
    const overrides = [
      override("foobar", state("f", 1), state("f", 2)),
      override("__proto__", state("f", 3)),
      override("foobar", state("f", 4), state("g", 5), state("unknown", 6)),
    ];
    expect(evaluate({ features, overrides }).flags.map(({ value }) => value)).toEqual([1, 5]);
    expect(evaluate({ features, overrides }, "__proto__").flags.map(({ value }) => value)).toEqual([
      3,
      "default",
    ]);
  });

  it("have variants of their own, hashed by their own key", () => {
    const shares = variants(variant("a", 53, { id: null, mv_fs_value_uuid: "f".repeat(32), key: "A" }));
    const hit = override("foobar", state("f", "identity", shares));
    const miss = override("foobar", state("f", "identity", { ...shares, django_id: 78986 }));
    expect(flagOf({ features, overrides: [hit] })).toEqual({
      value: "a",
      variant: "A",
      reason: "SPLIT; weight=53",
    });
    expect(flagOf({ features, overrides: [miss] })).toEqual({
      value: "identity",
      variant: "control",
      reason: "TARGETING_MATCH; segment=identity_overrides",
    });
  });
});
