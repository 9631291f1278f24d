// Rewrites text into an alphabet made for one pattern: what is beyond ASCII becomes one symbol per class of
// characters that the pattern cannot tell apart. Thus no engine needs a Unicode table, and `\b`, which
// knows ASCII only in both engines, still goes by Python's word characters. It must keep the length in
// characters.

import { classesOf, intervalOf, intervalsIn } from "./code-point-classes.ts";
import { type CodePointSet, hasCodePoint, setOfRanges } from "./code-point-set.ts";
import { asciiWords } from "./unicode-sets.ts";

/** The alphabet of one pattern. */
export type TextAlphabet = {
  /** `text` as the engine must see it. */
  encode(text: string): string;
  /** The symbols that stand for the members of `set`, which must be a set of the pattern. */
  symbolsOf(set: CodePointSet): CodePointSet;
};

/** How to make an alphabet. */
export type AlphabetOptions = {
  /** The word characters, if the engine's own `\b` is to go by them; null if it has no `\b` to run. */
  readonly words: CodePointSet | null;
  /** Whether only a final newline may remain one, so that the engine's `(?m:$)` is Python's `$`. */
  readonly hidesInnerNewlines: boolean;
};

/** No text ever holds this symbol: it serves to match nothing. */
export const neverSymbol = 0xffff;

const innerNewlineSymbol = 0xfffe;
const firstSymbol = 0x100;
const asciiCount = 0x80;
const newlineCode = 0x0a;
const newlineSet: CodePointSet = [newlineCode, newlineCode];
const notAscii = /[^\0-\x7f]/;

/**
 * The alphabet for a pattern of these `sets`. ASCII characters stand for themselves, unless that leaves no
 * symbol for a word character beyond ASCII; null if even giving them up leaves none (more than 63 classes
 * of word characters).
 */
export function textAlphabet(sets: readonly CodePointSet[], options: AlphabetOptions): TextAlphabet | null {
  const { words } = options;
  const all = words === null ? [...sets, newlineSet] : [...sets, newlineSet, words];
  const { starts, classIds, classCount } = classesOf(all);
  const symbols = new Array<number | undefined>(classCount);
  let keepsAscii = true;
  if (words !== null) {
    keepsAscii = assignKeptWords(starts, classIds, symbols, words);
    if (!keepsAscii && !assignPackedWords(starts, classIds, symbols, words)) {
      return null;
    }
  }
  for (let id = 0; id < classCount; id++) {
    symbols[id] ??= firstSymbol + id;
  }
  const symbolAt = (interval: number) => symbols[classIds[interval]!]!;
  const asciiSymbols = Array.from({ length: asciiCount }, (_, code) =>
    keepsAscii || code === newlineCode ? code : symbolAt(intervalOf(starts, code)),
  );
  return {
    encode: encoder(asciiSymbols, keepsAscii, options, (code) => symbolAt(intervalOf(starts, code))),
    symbolsOf(set) {
      const found = new Set(
        intervalsIn(starts, set)
          .filter((at) => starts[at]! >= asciiCount)
          .map(symbolAt),
      );
      for (let code = 0; code < asciiCount; code++) {
        if (hasCodePoint(set, code)) {
          found.add(asciiSymbols[code]!);
        }
      }
      if (options.hidesInnerNewlines && hasCodePoint(set, newlineCode)) {
        found.add(innerNewlineSymbol);
      }
      return setOfRanges([...found].map((symbol) => [symbol, symbol]));
    },
  };
}

/** Gives a class of word characters an ASCII member as its symbol; false if a class has none. */
function assignKeptWords(
  starts: Int32Array,
  classIds: Int32Array,
  symbols: (number | undefined)[],
  words: CodePointSet,
): boolean {
  const inWords = intervalsIn(starts, words);
  for (const at of inWords) {
    if (starts[at]! < asciiCount && hasCodePoint(asciiWords, starts[at]!)) {
      symbols[classIds[at]!] = starts[at]!;
    }
  }
  return inWords.every((at) => symbols[classIds[at]!] !== undefined);
}

/** Gives each class of word characters any ASCII word character as its symbol; false if there are too few. */
function assignPackedWords(
  starts: Int32Array,
  classIds: Int32Array,
  symbols: (number | undefined)[],
  words: CodePointSet,
): boolean {
  const free: number[] = [];
  for (let code = asciiCount - 1; code >= 0; code--) {
    if (hasCodePoint(asciiWords, code)) {
      free.push(code);
    }
  }
  const ids = new Set(intervalsIn(starts, words).map((at) => classIds[at]!));
  if (ids.size > free.length) {
    return false;
  }
  for (const id of ids) {
    symbols[id] = free.pop()!;
  }
  return true;
}

/** Most text is ASCII without inner newlines: it is handed on as it is. */
function encoder(
  asciiSymbols: readonly number[],
  keepsAscii: boolean,
  { hidesInnerNewlines }: AlphabetOptions,
  symbolOf: (codePoint: number) => number,
): (text: string) => string {
  return (text) => {
    const newline = hidesInnerNewlines ? text.indexOf("\n") : -1;
    if (keepsAscii && (newline < 0 || newline === text.length - 1) && !notAscii.test(text)) {
      return text;
    }
    let encoded = "";
    for (let i = 0; i < text.length; i++) {
      const code = text.codePointAt(i)!;
      if (code > 0xffff) {
        i += 1;
      }
      const isHidden = hidesInnerNewlines && code === newlineCode && i < text.length - 1;
      const symbol = code < asciiCount ? asciiSymbols[code]! : symbolOf(code);
      encoded += String.fromCharCode(isHidden ? innerNewlineSymbol : symbol);
    }
    return encoded;
  };
}
