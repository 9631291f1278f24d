// What Python 3.11 means by \w, \d, \s and by letter case, decoded from the tables at first use. It must
// not ask the JavaScript engine about Unicode: its version differs.

import { type CodePointSet, complementOf, setOfRanges, unionOf } from "./code-point-set.ts";
import { once } from "./once.ts";
import {
  alnumRanges,
  decimalRanges,
  extraCases,
  lowerRuns,
  spaceRanges,
  upperRuns,
} from "./unicode-tables.ts";

/** The letter of a category escape: `\d \D \s \S \w \W`. */
export type CategoryLetter = "d" | "D" | "s" | "S" | "w" | "W";

/** Code point to code point; what is missing maps to itself. */
export type CaseMap = ReadonlyMap<number, number>;

const asciiDigits: CodePointSet = [0x30, 0x39];
const asciiSpaces: CodePointSet = [0x09, 0x0d, 0x20, 0x20];

/** `[0-9A-Z_a-z]`: the word characters of the ASCII flag, of RE2's `\b` and of JavaScript's. */
export const asciiWords: CodePointSet = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];

function decodeRanges(table: string): CodePointSet {
  const ranges: [number, number][] = [];
  let end = 0;
  for (const token of table.split(" ")) {
    const [gap, length = "0"] = token.split("+");
    const low = end + Number.parseInt(gap!, 36);
    end = low + Number.parseInt(length, 36);
    ranges.push([low, end]);
  }
  return setOfRanges(ranges);
}

function decodeRuns(table: string): CaseMap {
  const map = new Map<number, number>();
  let start = 0;
  for (const token of table.split(" ")) {
    const [gap, delta, count = 0, stride = 1] = token.split(",").map((part) => Number.parseInt(part, 36));
    start += gap!;
    for (let i = 0; i <= count; i++) {
      map.set(start + i * stride, start + i * stride + delta!);
    }
  }
  return map;
}

function decodeExtraCases(): ReadonlyMap<number, readonly number[]> {
  const entries = extraCases.split(" ").map((token): [number, number[]] => {
    const [key, others] = token.split(":");
    return [Number.parseInt(key!, 36), others!.split(",").map((other) => Number.parseInt(other, 36))];
  });
  return new Map(entries);
}

const unicodeDigits = once(() => decodeRanges(decimalRanges));
const unicodeSpaces = once(() => decodeRanges(spaceRanges));
const unicodeWords = once(() => unionOf([decodeRanges(alnumRanges), asciiWords]));
const complements = once(() => new Map<CodePointSet, CodePointSet>());

/** Simple lower case. */
export const lowerCases: () => CaseMap = once(() => decodeRuns(lowerRuns));

/** What `re` takes as upper case. */
export const upperCases: () => CaseMap = once(() => decodeRuns(upperRuns));

/** A lower-case code point, and the other lower-case ones that share its upper case. */
export const lowerCaseSiblings: () => ReadonlyMap<number, readonly number[]> = once(decodeExtraCases);

/** The word characters, by the ASCII flag or by Unicode. */
export function wordSet(ascii: boolean): CodePointSet {
  return ascii ? asciiWords : unicodeWords();
}

/** The set of a category escape, by the ASCII flag or by Unicode. */
export function categorySet(letter: CategoryLetter, ascii: boolean): CodePointSet {
  switch (letter) {
    case "d":
      return ascii ? asciiDigits : unicodeDigits();
    case "s":
      return ascii ? asciiSpaces : unicodeSpaces();
    case "w":
      return wordSet(ascii);
    default:
      return keptComplement(categorySet(letter.toLowerCase() as CategoryLetter, ascii));
  }
}

/** One complement object per category: sets are told apart by identity first, which is cheap. */
function keptComplement(set: CodePointSet): CodePointSet {
  const kept = complements();
  const complement = kept.get(set) ?? complementOf(set);
  kept.set(set, complement);
  return complement;
}
