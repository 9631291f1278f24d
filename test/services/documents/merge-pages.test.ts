/** The textual merge against what JSON.parse says of the pages. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { mergePages as mergeBytes } from "../../../src/services/documents/merge-pages.ts";

function mergePages(pages: readonly string[]): string {
  return Buffer.from(mergeBytes(pages.map((page) => new Uint8Array(Buffer.from(page))))).toString();
}

test.each([
  [['{"a":1.0}', "{}"], '{"a":1.0}'],
  [["{}", '{"identity_overrides":[1.0]}'], '{"identity_overrides":[1.0]}'],
  [["{ }", '{"identity_overrides":[1]}'], '{ "identity_overrides":[1]}'],
  [['{"a":1 }', '{"identity_overrides":[ 1 , 2 ]}'], '{"a":1 ,"identity_overrides":[1 , 2]}'],
  [
    ['{"identity_overrides":null,"a":1e2}', '{"identity_overrides":[1]}'],
    '{"identity_overrides":[1],"a":1e2}',
  ],
  [['{"identity_overrides":[ ]}', '{"identity_overrides":[1]}'], '{"identity_overrides":[ 1]}'],
  [
    ['{"identity_overrides":[1 ]}', '{"identity_overrides":null}', '{"identity_overrides":[2]}'],
    '{"identity_overrides":[1 ,2]}',
  ],
  [
    ['{"x":{"identity_overrides":[1]}}', '{"x":{"identity_overrides":[2]}}'],
    '{"x":{"identity_overrides":[1]}}',
  ],
  [['{"identity_\\u006fverrides":[1]}', '{"identity_overrides":[2]}'], '{"identity_\\u006fverrides":[1,2]}'],
  [
    ['{"identity_overrides":[1],"identity_overrides":[2]}', '{"identity_overrides":[3]}'],
    '{"identity_overrides":[1],"identity_overrides":[2,3]}',
  ],
  [
    ['{"s":"\\\\\\"identity_overrides\\":[}"}', '{"identity_overrides":["]"]}'],
    '{"s":"\\\\\\"identity_overrides\\":[}","identity_overrides":["]"]}',
  ],
  [["\n{}", '{"identity_overrides":[]}'], "\n{}"],
])("%j become %s", (pages, merged) => {
  expect(mergePages(pages)).toBe(merged);
});

test.each(["{", '{"a":1}x', "{'a':1}"])("%s is no page, wherever it stands", (page) => {
  expect(() => mergePages([page, "{}"])).toThrow(expect.objectContaining({ code: "document_invalid" }));
  expect(() => mergePages(["{}", page])).toThrow(expect.objectContaining({ code: "document_invalid" }));
});

test.each(['{"identity_overrides":{}}', '{"identity_overrides":"x"}', '{"identity_overrides":1}'])(
  "%s is refused",
  (page) => {
    expect(() => mergePages(["{}", page])).toThrow(expect.objectContaining({ code: "document_invalid" }));
    expect(() => mergePages([page, '{"identity_overrides":[1]}'])).toThrow(
      expect.objectContaining({ code: "document_invalid" }),
    );
  },
);

const key = fc.oneof(
  fc.constantFrom("identity_overrides", "a", "__proto__", 'q"\\'),
  fc.string({ unit: "binary" }),
);
const overrides = fc.oneof(fc.constant(null), fc.array(fc.jsonValue(), { maxLength: 4 }));
/** A page as members, so that keys may repeat; some keys are written with escapes, and blanks vary. */
const page = fc
  .array(
    fc.record({
      key,
      value: fc.jsonValue(),
      overrides,
      indent: fc.constantFrom(undefined, 1, "\t"),
      isEscaped: fc.boolean(),
      blank: fc.constantFrom("", " ", "\r\n\t"),
    }),
    { maxLength: 6 },
  )
  .map((members) => {
    const texts = members.map((member) => {
      const value = member.key === "identity_overrides" ? member.overrides : member.value;
      const name = JSON.stringify(member.key);
      const escaped = member.isEscaped ? name.replace("identity", "\\u0069dentity") : name;
      const text = JSON.stringify(value, null, member.indent);
      return [escaped, ":", text].map((part) => member.blank + part).join("");
    });
    return `{${texts.join(",")} }`;
  });

test("the merge parses to page one with everyone's overrides", () => {
  fc.assert(
    fc.property(fc.array(page, { minLength: 1, maxLength: 4 }), (pages) => {
      const parsed = pages.map((text) => JSON.parse(text) as Record<string, unknown>);
      const lists = parsed.map((each) =>
        Object.hasOwn(each, "identity_overrides") ? each["identity_overrides"] : null,
      );
      const all = lists.flatMap((list) => (list ?? []) as unknown[]);
      const { identity_overrides: own, ...rest } = parsed[0] as Record<string, unknown>;
      const { identity_overrides: merged, ...mergedRest } = JSON.parse(mergePages(pages)) as Record<
        string,
        unknown
      >;
      expect(JSON.stringify(merged ?? [])).toBe(JSON.stringify(all));
      expect(JSON.stringify(mergedRest)).toBe(JSON.stringify(rest));
      if (all.length === ((lists[0] as unknown[] | null) ?? []).length)
        expect(mergePages(pages)).toBe(pages[0]);
      void own;
    }),
    { numRuns: 500 },
  );
});
