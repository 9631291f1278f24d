/** A flag's own answer is prepared when it is first asked for, once, and then found by its query. */
import { expect, test } from "vitest";
import { PreparedFlags } from "../../src/cache/prepared-flags.ts";
import { encodeContent, prepareResponse } from "../../src/cache/prepared-response.ts";
import { ShownFlags } from "../../src/cache/shown-flags.ts";
import type { Outcome } from "../../src/engine/compile-outcomes.ts";

const content = await encodeContent(new Uint8Array());
const prepare = (etag: string) =>
  prepareResponse({ content, headers: {}, etag, headerSet: (plain) => ({ plain, anyOrigin: true }) });

/** @param names of features, in document order */
function preparedFlags(...names: string[]): { flags: PreparedFlags; prepared: string[] } {
  const outcomes = names.map((name, index): Outcome => {
    const feature = { index, id: index, name, type: "STANDARD" };
    const fragment = { text: "", bytes: 0 };
    return { feature, enabled: true, value: null, variant: null, reason: "DEFAULT", fragment };
  });
  const prepared: string[] = [];
  const flags = new PreparedFlags({
    shown: new ShownFlags(outcomes, false, content),
    list: prepare("list"),
    prepare: ({ feature: { name } }) => {
      prepared.push(name);
      return prepare(name);
    },
  });
  return { flags, prepared };
}

const found = (flags: PreparedFlags, name: string) => flags.find(name)?.plain.etag;

test("a flag is prepared once, and found by its query from then on", () => {
  const { flags, prepared } = preparedFlags("one", "größe & co");
  const query = `feature=${encodeURIComponent("größe & co")}`;
  expect(flags.findAsked(query)).toBeUndefined();
  const first = flags.find("größe & co");
  expect([flags.findAsked(query), flags.find("GRÖSSE & CO"), flags.find("GRÖßE & CO")]).toEqual([
    first,
    null,
    first,
  ]);
  expect(prepared).toEqual(["größe & co"]);
  expect(flags.findAsked("feature=one")).toBeUndefined();
});

test("a name is found exactly, else in another case, the first of the document", () => {
  const { flags } = preparedFlags("Checkout", "checkout", "other", "Other", "Ä");
  expect(found(flags, "checkout")).toBe('"checkout"');
  expect(found(flags, "CHECKOUT")).toBe('"Checkout"');
  expect(found(flags, "Other")).toBe('"Other"');
  expect(found(flags, "OTHER")).toBe('"other"');
  expect(found(flags, "ä")).toBe('"Ä"');
  expect(found(flags, "none")).toBeUndefined();
});

test("names with half a surrogate pair are told apart", () => {
  const { flags } = preparedFlags("\ud800", "\udfff", "\ufffd");
  for (const name of ["\ud800", "\udfff", "\ufffd"]) expect(found(flags, name)).toBe(`"${name}"`);
});
