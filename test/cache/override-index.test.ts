/** The finder of identity overrides against a plain map from identifiers to their overrides. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildOverrideIndex, overrideFinder } from "../../src/cache/override-index.ts";
import type { OverrideFinder } from "../../src/engine/identity-overrides.ts";
import type { PackedDocument } from "../../src/models/packed-document.ts";
import { packText } from "../support/packed-text.ts";

/** One override each, which says at which place it stands. */
function documentOf(identifiers: readonly string[]): PackedDocument {
  const overrides = identifiers.map((identifier, place) => ({
    identifier,
    identity_features: [{ feature: { id: 1, name: "f" }, enabled: true, feature_state_value: place }],
  }));
  const document = { api_key: "k", feature_states: [], project: {}, identity_overrides: overrides };
  return packText(JSON.stringify(document));
}

/** At which places the finder finds overrides of an identifier, in its order. */
function placesOf(find: OverrideFinder, identifier: string): unknown[] {
  return find(identifier).map((override) => {
    expect(override.identifier).toBe(identifier);
    return override.identity_features?.[0]?.feature_state_value;
  });
}

function placesByIdentifier(identifiers: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, identifier] of identifiers.entries()) {
    places.set(identifier, [...(places.get(identifier) ?? []), place]);
  }
  return places;
}

const prototypeNames = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "length"];
const oddNames = ["", " ", "0", "00", "1", "1.0", "é", "e\u0301", "🙂", "\ud800", "\udc00", "a\u0000", "a"];

test("each identifier finds its overrides in document order, and no other does", () => {
  const identifier = fc.oneof(
    fc.constantFrom(...prototypeNames, ...oddNames),
    fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 3 }),
    fc.string({ unit: "binary", maxLength: 8 }),
  );
  const lists = fc.array(identifier, { maxLength: 60 });
  const check = (listed: readonly string[], asked: readonly string[]): void => {
    const find = overrideFinder(documentOf(listed));
    const places = placesByIdentifier(listed);
    for (const each of new Set([...listed, ...asked, ...prototypeNames, ...oddNames])) {
      expect(placesOf(find, each)).toEqual(places.get(each) ?? []);
    }
  };
  fc.assert(fc.property(lists, lists, check), { numRuns: 300 });
});

test.each([[[]], [["a"]], [["__proto__"]]])("of the list %j nothing else is found", (listed: string[]) => {
  const find = overrideFinder(documentOf(listed));
  for (const each of ["", "b", "constructor", "toString", "prototype"]) expect(find(each)).toEqual([]);
  for (const each of listed) expect(placesOf(find, each)).toEqual([0]);
});

test("of 20,000 overrides each is found, several of one identifier in document order", () => {
  const listed = Array.from({ length: 20_000 }, (_, index) => `user-${index % 15_000}`);
  const find = overrideFinder(documentOf(listed));
  const wrong = [...placesByIdentifier(listed)].filter(
    ([identifier, places]) => placesOf(find, identifier).join() !== places.join(),
  );
  expect(wrong).toEqual([]);
  for (let index = 15_000; index < 40_000; index += 1) expect(find(`user-${index}`)).toEqual([]);
});

test("of one identifier alone, however many overrides, all are found in document order", () => {
  const find = overrideFinder(documentOf(Array.from({ length: 2000 }, () => "same")));
  expect(placesOf(find, "same")).toEqual(Array.from({ length: 2000 }, (_, place) => place));
});

test("identifiers of one form spread over the index: no look-up goes through many others", () => {
  const forms: readonly ((index: number) => string)[] = [
    (index) => `user-${index}`,
    (index) => `${index}@example.com`,
    (index) => String(index).padStart(12, "0"),
    (index) => `${String(index).padStart(6, "0")}${"x".repeat(60)}`,
    (index) => String.fromCodePoint(0x4e00 + (index % 5000), 0x4e00 + Math.floor(index / 5000)),
  ];
  for (const form of forms) {
    const places = Array.from({ length: 20_000 }, (_, index) => ({
      identifier: form(index),
      start: 0,
      end: 0,
    }));
    const { bucketStarts } = buildOverrideIndex(places);
    const sizes = [...bucketStarts].map((start, bucket) => (bucketStarts[bucket + 1] ?? start) - start);
    // Thrown at random into twice as many buckets, 20,000 meet no more than some seven.
    expect(Math.max(...sizes)).toBeLessThan(20);
  }
});

/** Pairs of identifiers that the index cannot tell apart by their hash. */
function collidingPairs(): [string, string][] {
  const scattered = (index: number) => (Math.imul(index, 0x9e3779b1) >>> 0).toString(36);
  const nameOf = (index: number) => `${scattered(index)}-${scattered(index + 1_000_003)}`;
  const places = Array.from({ length: 300_000 }, (_, index) => ({
    identifier: nameOf(index),
    start: index,
    end: index,
  }));
  const { hashes, starts } = buildOverrideIndex(places);
  const seen = new Map<number, number>();
  const pairs: [string, string][] = [];
  for (const [entry, hash] of hashes.entries()) {
    const start = starts[entry] as number;
    const other = seen.get(hash);
    if (other !== undefined) pairs.push([nameOf(other), nameOf(start)]);
    seen.set(hash, start);
  }
  return pairs;
}

test("identifiers of the same hash are told apart, listed both or one alone", () => {
  const pairs = collidingPairs();
  expect(pairs.length).toBeGreaterThan(0);
  for (const [one, other] of pairs) {
    const both = overrideFinder(documentOf([one, other, one]));
    expect([placesOf(both, one), placesOf(both, other)]).toEqual([[0, 2], [1]]);
    const alone = overrideFinder(documentOf([one]));
    expect([placesOf(alone, one), placesOf(alone, other)]).toEqual([[0], []]);
  }
});
