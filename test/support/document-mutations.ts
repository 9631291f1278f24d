/**
 * Valid environment documents that went wrong somewhere: members of other types, missing, twice, huge, deep,
 * from elsewhere in the document. It does not say which of them are to be refused.
 */
import fc from "fast-check";
import { condition, documentText, feature, identityOverride, segment } from "./contract-documents.ts";

/** What is mutated: something of everything that a document may hold. */
export const wholeDocument = documentText({
  features: [
    feature(1, "plain", { value: "text" }),
    feature(2, "number", { value: 7, enabled: false }),
    feature(3, "variants", {
      value: "control",
      variants: [
        [30, "a", "A"],
        [30, 2, null],
      ],
    }),
    feature(4, "secret", { value: null }),
  ],
  segments: [
    segment(1, [condition("plan", "EQUAL", "beta")], [feature(1, "plain", { value: "beta", priority: 1 })]),
    segment(2, [condition("email", "REGEX", "^a.*z$"), condition("n", "MODULO", "2|0")]),
    segment(3, [condition(null, "PERCENTAGE_SPLIT", "50")], [feature(2, "number", { priority: 0 })]),
    segment(4, [condition("v", "GREATER_THAN", "1.2.3:semver"), condition("x", "IN", "a,b")]),
    segment(5, [condition("$.identity.traits.plan", "IS_SET", null)]),
  ],
  overrides: [identityOverride("ann", [feature(1, "plain", { value: "hers" })]), identityOverride("bob", [])],
  serverOnly: [4],
});

type Place = { readonly holder: Record<string, unknown>; readonly key: string };

/** All members and elements, the whole's own first. */
function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

/** JSON text stands in a tree as a string with this before it, and is put in place of that when written. */
const rawMark = "\u0001raw:";

function textOf(tree: unknown): string {
  return JSON.stringify(tree).replaceAll(
    /"\\u0001raw:((?:[^"\\]|\\.)*)"/g,
    (_, inside: string) => JSON.parse(`"${inside}"`) as string,
  );
}

const raw = (text: string): string => rawMark + text;

const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 7, 8, "", "x", "7", [], {}, [null], [[]], { a: 1 }),
  fc.constantFrom("__proto__", "constructor", "toString", "\0", "%", "(a+)+$", "(?=x)", "[", "$.x[?(@.a)]"),
  fc
    .constantFrom("1e400", "-1e-400", "123456789012345678901234567890", "-0", '"\\ud800"', '"\\udc00x"')
    .map(raw),
  fc.constantFrom('{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}', '{"a":1,"a":2}').map(raw),
  fc.constantFrom("NaN", "01", "'x'", "undefined", '"\t"', "/**/1", "").map(raw),
  fc.integer({ min: 1, max: 20_000 }).map((length) => "é".repeat(length)),
  fc.integer({ min: 1, max: 3000 }).map((depth) => raw("[".repeat(depth) + "]".repeat(depth))),
  fc.integer({ min: 1, max: 3000 }).map((depth) => raw('{"rules":['.repeat(depth) + "]}".repeat(depth))),
  fc.integer({ min: 1, max: 2000 }).map((count) => Array.from({ length: count }, (_, index) => index)),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: "binary", maxLength: 10 }),
);

interface Mutation {
  readonly kind: "replace" | "drop" | "repeat" | "graft" | "twice" | "rename";
  /** Of the document's own members, which are few among all. */
  readonly isShallow: boolean;
  readonly place: number;
  readonly source: number;
  readonly value: unknown;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("replace", "replace", "replace", "drop", "repeat", "graft", "twice", "rename"),
  isShallow: fc.constantFrom(true, false, false),
  place: fc.nat(10_000),
  source: fc.nat(10_000),
  value: oddValue,
});

function mutate(tree: unknown, { kind, isShallow, place, source, value }: Mutation): void {
  const places = placesIn(tree).filter(({ holder }) => !isShallow || holder === tree);
  const target = places[place % places.length];
  const other = places[source % places.length];
  if (target === undefined || other === undefined) return;
  const { holder, key } = target;
  const held = holder[key];
  if (kind === "replace") holder[key] = value;
  else if (kind === "graft") holder[key] = structuredClone(other.holder[other.key]);
  else if (kind === "rename" && !Array.isArray(holder)) {
    delete holder[key];
    holder[`${key}_`] = held;
  } else if (kind === "repeat" && Array.isArray(held)) {
    holder[key] = [...held, ...structuredClone(held), ...structuredClone(held)];
  } else if (kind === "twice" && typeof held === "object" && held !== null && !Array.isArray(held)) {
    // The same members a second time, of which the last count.
    const [first = "x"] = Object.keys(held);
    const inside = textOf(held).slice(1, -1);
    holder[key] = raw(`{${inside === "" ? "" : `${inside},`}${JSON.stringify(first)}:${textOf(value)}}`);
  } else if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

/** The whole document with one to four mutations, and now and then a cut or a byte amid its text. */
export const mutatedDocument: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(mutation, { minLength: 1, maxLength: 4 }),
    fc.oneof({ arbitrary: fc.constant(null), weight: 20 }, fc.nat(10_000)),
    fc.constantFrom("", "\0", "{", '"', "\ufeff", ","),
  )
  .map(([mutations, damageAt, damage]) => {
    const tree: unknown = JSON.parse(wholeDocument);
    for (const each of mutations) mutate(tree, each);
    const text = textOf(tree);
    if (damageAt === null) return text;
    const at = damageAt % text.length;
    return damage === "" ? text.slice(0, at) : text.slice(0, at) + damage + text.slice(at);
  });
