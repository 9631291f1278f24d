// Tests that a compiled pattern matches what Python 3.11.7 matched: pinned runs (python-match-pins.json)
// and the golden vectors of the operator. They must not ask how it does so.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compileRegex } from "../../../src/engine/regex/compile-regex.ts";

type VectorCase = {
  name: string;
  operator: string;
  property: string | null;
  value: string;
  trait?: unknown;
  expect: boolean;
};

/**
 * Behaviour to `[pattern, text, whether re.match finds a match]`; read at run time for its lone surrogates.
 */
type Pins = Record<string, [string, string, boolean][]>;

const pins = JSON.parse(readFileSync(new URL("python-match-pins.json", import.meta.url), "utf8")) as Pins;
// Python's engine makes a number of such a trait before the operator sees it.
const isCoerced = /^-?[0-9]+(\.[0-9]+)?$/;
const vectorsUrl = new URL("../../vectors/operators.json", import.meta.url);

function matches(pattern: string, text: string): boolean {
  const compiled = compileRegex(pattern);
  if (compiled.kind === "refused") {
    throw new Error(`${pattern} was refused: ${compiled.detail}`);
  }
  return compiled.matches(text);
}

describe("a compiled pattern", () => {
  for (const [behaviour, cases] of Object.entries(pins)) {
    it(behaviour, () => {
      const results = cases.map(([pattern, text]) => [pattern, text, matches(pattern, text)]);
      expect(results).toEqual(cases);
    });
  }

  it("gives what the golden vectors say on string traits", () => {
    const all = JSON.parse(readFileSync(vectorsUrl, "utf8")) as VectorCase[];
    const cases = all.filter(
      ({ name, operator, trait }) =>
        operator === "REGEX" &&
        name.startsWith("REGEX/") &&
        typeof trait === "string" &&
        !isCoerced.test(trait),
    );
    expect(cases.length).toBeGreaterThan(150);
    const results = cases.map(({ name, value, trait }) => {
      const compiled = compileRegex(value ?? "");
      return [name, compiled.kind === "compiled" && compiled.matches(trait as string)];
    });
    expect(results).toEqual(cases.map(({ name, expect: expected }) => [name, expected]));
  });

  it("gives the same answer when it is asked again", () => {
    const compiled = compileRegex("a(?=b)|é+$");
    expect(compiled.kind).toBe("compiled");
    if (compiled.kind === "compiled") {
      const texts = ["ab", "ac", "éé", "éb", "ab"];
      expect(texts.map((text) => compiled.matches(text))).toEqual([true, false, true, false, true]);
    }
  });
});
