/** Texts of JSON strings, which are put together by hand on the read path. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { stringText } from "../../src/models/json.ts";

it("every character is written as JSON.stringify writes it", () => {
  for (let unit = 0; unit <= 0xffff; unit += 1) {
    const text = `a${String.fromCharCode(unit)}b`;
    expect(stringText(text)).toBe(JSON.stringify(text));
  }
});

it("so is every text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(stringText(text)).toBe(JSON.stringify(text));
    }),
  );
});
