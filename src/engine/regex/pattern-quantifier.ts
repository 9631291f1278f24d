// Reads `* + ? {m,n}` and what may follow them. It does not know what is repeated.

import { invalid } from "./pattern-error.ts";
import { digits } from "./pattern-escape.ts";
import type { PatternSource } from "./pattern-source.ts";

/** How often; laziness is left out, since it never decides whether there is a match. */
export type Quantifier = { readonly min: number; readonly max: number; readonly possessive: boolean };

/** `MAXREPEAT` of Python on 64 bits: a count must be below. */
const countLimit = 4_294_967_295;

const simple: ReadonlyMap<string, readonly [number, number]> = new Map([
  ["*", [0, Infinity]],
  ["+", [1, Infinity]],
  ["?", [0, 1]],
]);

/** The quantifier that starts with `token`, which is taken already; null if its brace is a literal. */
export function readQuantifier(source: PatternSource, token: string): Quantifier | null {
  const counts = simple.get(token) ?? readBraces(source);
  if (counts === null) {
    return null;
  }
  const [min, max] = counts;
  const lazy = source.takeIf("?");
  return { min, max, possessive: !lazy && source.takeIf("+") };
}

/** A brace that opens no valid count is a literal: `{`, `{}`, `{1,x}`. */
function readBraces(source: PatternSource): readonly [number, number] | null {
  if (source.next === "}") {
    return null;
  }
  const place = source.tell();
  const low = source.takeWhile(Infinity, digits);
  const high = source.takeIf(",") ? source.takeWhile(Infinity, digits) : low;
  if (!source.takeIf("}")) {
    source.seek(place);
    return null;
  }
  const min = low === "" ? 0 : Number(low);
  const max = high === "" ? Infinity : Number(high);
  if (min >= countLimit || (high !== "" && max >= countLimit)) {
    throw invalid("the repetition number is too large");
  }
  if (max < min) {
    throw invalid("min repeat greater than max repeat");
  }
  return [min, max];
}
