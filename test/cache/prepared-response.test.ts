/** Encoded contents offer the smallest representation first, and none that gains nothing. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { encodeContent } from "../../src/cache/prepared-response.ts";

/** Text in which the three codings differ in size. */
function textOf(words: number): Uint8Array<ArrayBuffer> {
  const text = Array.from(
    { length: words },
    (_, index) => `{"feature_number_${index % 97}":${index * 7919}}`,
  );
  return new TextEncoder().encode(text.join(","));
}

test.each([60, 300, 3000, 30_000])("of %i parts, the smallest coding comes first", async (words) => {
  const body = textOf(words);
  const { compressed } = await encodeContent(body);
  const sizes = compressed.map((each) => each.body.byteLength);
  expect(compressed.map(({ encoding }) => encoding).toSorted()).toEqual(["br", "gzip", "zstd"]);
  expect(sizes).toEqual(sizes.toSorted((left, right) => left - right));
  expect(Math.max(...sizes)).toBeLessThan(body.byteLength);
});

test("a small body and one that does not shrink are offered as they are", async () => {
  expect((await encodeContent(textOf(2))).compressed).toEqual([]);
  expect((await encodeContent(new Uint8Array(randomBytes(5000)))).compressed).toEqual([]);
});

test("a compressed body keeps no memory beyond its own bytes", async () => {
  const { compressed } = await encodeContent(textOf(300));
  expect(compressed.map(({ body }) => body.buffer.byteLength)).toEqual(
    compressed.map(({ body }) => body.byteLength),
  );
});
