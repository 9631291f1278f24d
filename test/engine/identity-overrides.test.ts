/** Overrides compiled when first asked for: once while they are asked for, and never many at a time. */
import { expect, test } from "vitest";
import { IdentityOverrides, type OverrideFinder } from "../../src/engine/identity-overrides.ts";

/** Overrides for the identifiers that begin with "has", and counts of what was done. */
function countingOverrides() {
  const counts = { found: 0, compiled: 0 };
  const find: OverrideFinder = (identifier) => {
    counts.found += 1;
    return identifier.startsWith("has") ? [{ identifier }, { identifier, identity_features: [] }] : [];
  };
  const overrides = new IdentityOverrides(find, (found) => {
    counts.compiled += 1;
    return found.map(({ identifier }) => identifier);
  });
  return { counts, overrides };
}

test("what is found is compiled as a whole, once for an identifier that is asked for again", () => {
  const { counts, overrides } = countingOverrides();
  const first = overrides.of("has one");
  expect(first).toEqual(["has one", "has one"]);
  expect(overrides.of("has one")).toBe(first);
  expect(overrides.of("has two")).toEqual(["has two", "has two"]);
  expect(counts).toEqual({ found: 2, compiled: 2 });
});

test("an identifier without overrides is compiled never, and not remembered", () => {
  const { counts, overrides } = countingOverrides();
  for (let turn = 0; turn < 20_000; turn += 1) expect(overrides.of(`none ${turn % 3}`)).toBeUndefined();
  expect(counts).toEqual({ found: 20_000, compiled: 0 });
});

test("what is asked for now and then stays compiled, however many others are asked for once", () => {
  const { counts, overrides } = countingOverrides();
  const kept = overrides.of("has it");
  for (let turn = 0; turn < 50_000; turn += 1) {
    overrides.of(`has ${turn}`);
    if (turn % 1000 === 0) expect(overrides.of("has it")).toBe(kept);
  }
  expect(counts.compiled).toBe(50_001);
});

test("of 100,000 that were asked for once no more than some thousands are remembered", () => {
  const { counts, overrides } = countingOverrides();
  const identifiers = Array.from({ length: 100_000 }, (_, index) => `has ${index}`);
  for (const identifier of identifiers) overrides.of(identifier);
  // Backwards, so that the first asked again are the last asked before.
  for (const identifier of identifiers.toReversed()) overrides.of(identifier);
  const remembered = 200_000 - counts.compiled;
  expect(remembered).toBeGreaterThan(1000);
  expect(remembered).toBeLessThan(20_000);
});
