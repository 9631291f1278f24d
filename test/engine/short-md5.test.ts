/** The short MD5 gives what OpenSSL gives, or says that it does not take the text. */
import { hash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ShortMd5 } from "../../src/engine/short-md5.ts";

const md5 = new ShortMd5();

function hexOf(head: string, tail: string): string | null {
  const words = md5.digest(head, tail);
  return words === null ? null : Buffer.from(words.buffer).toString("hex");
}

it.each(Array.from({ length: 120 }, (_, length) => length))("hashes %i characters", (length) => {
  const text = "abcdefghij\u0000\u007f".repeat(10).slice(0, length);
  for (let cut = 0; cut <= length; cut += 7) {
    expect(hexOf(text.slice(0, cut), text.slice(cut))).toBe(hash("md5", text));
  }
});

it("takes no text of more than two blocks, and none beyond ASCII", () => {
  expect(hexOf("", "a".repeat(119))).toBe(hash("md5", "a".repeat(119)));
  expect(hexOf("a", "a".repeat(119))).toBe(null);
  expect(hexOf("", "caf\u00e9")).toBe(null);
  expect(hexOf("\u65e5", "x")).toBe(null);
});

it("is not disturbed by the text before", () => {
  const text = fc.string({ unit: "binary-ascii", maxLength: 119 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      md5.digest(before, "");
      expect(hexOf("", after)).toBe(hash("md5", after));
    }),
    { numRuns: 2000 },
  );
});
