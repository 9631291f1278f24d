// The inline flags of Python's `re`: what they are, and how a group changes them. It resolves no pattern
// item.

/** The flags in force at one place of a pattern. */
export type RegexFlags = {
  readonly ascii: boolean;
  readonly dotAll: boolean;
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly verbose: boolean;
};

/** The letters that Python knows, `L` (bytes only) and `t` (the undocumented template flag) among them. */
export const flagLetters = "iLmsxatu";

/** No flag. */
export const noFlags: RegexFlags = {
  ascii: false,
  dotAll: false,
  ignoreCase: false,
  multiLine: false,
  verbose: false,
};

/** `flags` with the letters of `added` turned on and those of `removed` turned off. */
export function changeFlags(flags: RegexFlags, added: string, removed: string): RegexFlags {
  const resolve = (letter: string, before: boolean) =>
    added.includes(letter) || (before && !removed.includes(letter));
  return {
    ascii: added.includes("a") || (flags.ascii && !added.includes("u")),
    dotAll: resolve("s", flags.dotAll),
    ignoreCase: resolve("i", flags.ignoreCase),
    multiLine: resolve("m", flags.multiLine),
    verbose: resolve("x", flags.verbose),
  };
}
