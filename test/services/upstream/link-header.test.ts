/** Link headers as RFC 8288 writes them, and as others do. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { nextPageTarget } from "../../../src/services/upstream/link-header.ts";

const page = new URL("https://api.example/v1/environment-document/?a=1");
const next = "https://api.example/next";

test.each([
  '</next>; rel="next"',
  "</next>;rel=next",
  "</next> ; REL = Next",
  '</next>; rel="prev  NEXT last"',
  '</next>; title="a;b,<c>\\"; rel=last"; rel="next"',
  '<b>; rel="prev", , </next>; rel="next",',
  "<b>, </next>; rel=next; flag; x=",
  '</next>; rel="next"; rel="prev"',
  `</next>; rel=next; anchor="${page.href}"`,
  "< /next >; rel=next",
  '</next>; rel="n\\ext"',
])("%s leads on", (header) => {
  expect(nextPageTarget(header, page)?.href).toBe(next);
});

test.each([
  null,
  "",
  '</next>; rel="nextish"',
  '</next>; rel="prev"; rel="next"',
  '</next>; rev="next"',
  '</next>; title="rel=next"',
  '</next>; rel=next; anchor="/other"',
  "garbage",
  '<a>; rel="last',
])("%s is the last page", (header) => {
  expect(nextPageTarget(header, page)).toBeNull();
});

test.each(["</next; rel=next", '</next>; rel="next', "next", "<http://[>; rel=next", '<a>; rel=x "next"'])(
  "%s cannot be read, and half a document is not taken",
  (header) => {
    expect(() => nextPageTarget(header, page)).toThrow(expect.objectContaining({ code: "page_refused" }));
  },
);

test("an empty target is this page itself", () => {
  expect(nextPageTarget("<>; rel=next", page)?.href).toBe(page.href);
});

test("any text is read in linear time, to a target, to none, or refused", () => {
  const piece = fc.constantFrom("<", ">", ";", ",", '"', "\\", "=", " ", "rel", "next", "a", "anchor");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      try {
        nextPageTarget(pieces.join(""), page);
      } catch (error) {
        expect(error).toMatchObject({ code: "page_refused" });
      }
    }),
  );
  for (const part of ["<a>;", "<a>; ", '<a>; x="', "<a>; x=y", "<", ";", ", "]) {
    expect(() => nextPageTarget(part.repeat(20_000), page)).not.toThrow();
  }
});
