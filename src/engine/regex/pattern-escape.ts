// Reads backslash escapes, inside and outside of character classes, as `_class_escape` and `_escape` of
// Python's `re._parser`. It reads no other syntax.

import type { ClassMember } from "./character-class.ts";
import { codePointMax } from "./code-point-set.ts";
import { invalid } from "./pattern-error.ts";
import type { PatternSource } from "./pattern-source.ts";
import type { PatternState } from "./pattern-state.ts";
import type { AssertionKind } from "./regex-node.ts";
import type { CategoryLetter } from "./unicode-sets.ts";

/** Decimal digits; Python means the ASCII ones wherever syntax has digits. */
export const digits = "0123456789";
const octalDigits = "01234567";
const hexDigits = "0123456789abcdefABCDEF";
const octalMax = 0o377;
const hexLengths: ReadonlyMap<string, number> = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);
const controls: ReadonlyMap<string, number> = new Map([
  ["a", 0x07],
  ["b", 0x08],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
  ["v", 0x0b],
  ["\\", 0x5c],
]);
const assertions: ReadonlyMap<string, AssertionKind> = new Map([
  ["A", "start"],
  ["b", "boundary"],
  ["B", "notBoundary"],
  ["Z", "end"],
]);

/** What an escape in a class may be. */
export type ClassEscape = Exclude<ClassMember, { readonly kind: "range" }>;

/** What an escape outside of a class may be. */
export type Escape =
  | ClassEscape
  | { readonly kind: "assertion"; readonly assertion: AssertionKind }
  | { readonly kind: "reference"; readonly group: number };

/** The escape `token`, which is taken already, in a class. */
export function readClassEscape(source: PatternSource, token: string, state: PatternState): ClassEscape {
  const letter = token.slice(1);
  const simple = controls.get(letter);
  if (simple !== undefined) {
    return { kind: "literal", codePoint: simple };
  }
  if (octalDigits.includes(letter)) {
    return octal(letter + source.takeWhile(2, octalDigits));
  }
  return readCommonEscape(source, letter, state);
}

/** The escape `token`, which is taken already, outside of a class. */
export function readEscape(source: PatternSource, token: string, state: PatternState): Escape {
  const letter = token.slice(1);
  const assertion = assertions.get(letter);
  if (assertion !== undefined) {
    return { kind: "assertion", assertion };
  }
  const simple = controls.get(letter);
  if (simple !== undefined) {
    return { kind: "literal", codePoint: simple };
  }
  if (letter === "0") {
    return octal(letter + source.takeWhile(2, octalDigits));
  }
  if (digits.includes(letter)) {
    return readDigits(source, letter, state);
  }
  return readCommonEscape(source, letter, state);
}

/** Three octal digits are a character, anything else refers to a group. */
function readDigits(source: PatternSource, first: string, state: PatternState): Escape {
  const second = source.takeWhile(1, digits);
  const mayBeOctal = second !== "" && octalDigits.includes(first) && octalDigits.includes(second);
  if (mayBeOctal && source.nextIsOneOf(octalDigits)) {
    return octal(first + second + source.take());
  }
  const group = Number(first + second);
  state.checkReference(group);
  return { kind: "reference", group };
}

function readCommonEscape(source: PatternSource, letter: string, state: PatternState): ClassEscape {
  if ("dDsSwW".includes(letter)) {
    return { kind: "category", letter: letter as CategoryLetter };
  }
  const length = hexLengths.get(letter);
  if (length !== undefined) {
    return hexadecimal(letter, source.takeWhile(length, hexDigits), length);
  }
  if (letter === "N") {
    return readNamedCharacter(source, state);
  }
  if (/^[0-9A-Za-z]$/.test(letter)) {
    throw invalid(`bad escape \\${letter}`);
  }
  return { kind: "literal", codePoint: letter.codePointAt(0)! };
}

/**
 * The names of characters are not carried along: such a pattern is read to its end for errors, then
 * refused.
 */
function readNamedCharacter(source: PatternSource, state: PatternState): ClassEscape {
  if (!source.takeIf("{")) {
    throw invalid("missing {");
  }
  source.takeUntil("}", "character name");
  state.noteUnsupported("a character by its name (\\N{…})");
  return { kind: "literal", codePoint: 0 };
}

function hexadecimal(letter: string, hex: string, length: number): ClassEscape {
  if (hex.length !== length) {
    throw invalid(`incomplete escape \\${letter}${hex}`);
  }
  const codePoint = Number.parseInt(hex, 16);
  if (codePoint > codePointMax) {
    throw invalid(`bad escape \\${letter}${hex}`);
  }
  return { kind: "literal", codePoint };
}

function octal(text: string): ClassEscape {
  const codePoint = Number.parseInt(text, 8);
  if (codePoint > octalMax) {
    throw invalid(`octal escape value \\${text} outside of range 0-0o377`);
  }
  return { kind: "literal", codePoint };
}
