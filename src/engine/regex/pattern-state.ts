// What the parser must remember across a whole pattern: groups, global flags, and the first thing that no
// linear engine can do. It reads no text.

import type { CodePointSet } from "./code-point-set.ts";
import { invalid, RefusedPatternError } from "./pattern-error.ts";
import { changeFlags, noFlags, type RegexFlags } from "./pattern-flags.ts";

import { classBoundsMax } from "./regex-limits.ts";

/** The widths of a closed group, for a reference to it. */
export type GroupWidths = { readonly minWidth: number; readonly maxWidth: number };

/** The state of one parse, as `State` of Python's `re._parser`. */
export class PatternState {
  /** The flags set for the whole pattern so far. */
  globalFlags: RegexFlags = noFlags;
  /** The first group number of the outermost look-behind being read; null outside of one. */
  lookbehindGroups: number | null = null;
  readonly #names = new Map<string, number>();
  // Group 0 is the whole pattern and never closed.
  readonly #widths: (GroupWidths | null)[] = [null];
  readonly #conditions: number[] = [];
  readonly #sets = new Map<string, CodePointSet>();
  #classBounds = 0;
  #globalLetters = "";
  #repeats = false;
  #unsupported: string | null = null;

  /** The number of groups, group 0 included. */
  get groups(): number {
    return this.#widths.length;
  }

  /** The first thing read that is valid but not supported; null if there is none. */
  get unsupported(): string | null {
    return this.#unsupported;
  }

  /** Adds global flags. */
  addGlobalFlags(letters: string): void {
    this.#globalLetters += letters;
    this.globalFlags = changeFlags(this.globalFlags, letters, "");
  }

  /** Opens the next group and gives its number. */
  openGroup(name: string | null): number {
    const group = this.#widths.push(null) - 1;
    if (name !== null) {
      if (this.#names.has(name)) {
        throw invalid(`redefinition of group name '${name}'`);
      }
      this.#names.set(name, group);
    }
    return group;
  }

  /** Closes a group. */
  closeGroup(group: number, widths: GroupWidths): void {
    this.#widths[group] = widths;
  }

  /** The number of a named group. */
  groupNamed(name: string): number {
    const group = this.#names.get(name);
    if (group === undefined) {
      throw invalid(`unknown group name '${name}'`);
    }
    return group;
  }

  /** The widths of a closed group. */
  widthsOf(group: number): GroupWidths {
    return this.#widths[group] ?? { minWidth: 0, maxWidth: 0 };
  }

  /** Throws unless a back-reference to `group` is valid here. */
  checkReference(group: number): void {
    if (group >= this.groups) {
      throw invalid(`invalid group reference ${group}`);
    }
    this.#checkClosed(group);
    this.#checkLookbehind(group);
  }

  /**
   * Throws unless a condition on `group` is valid here; whether the group exists is known at the end only.
   */
  checkCondition(group: number): void {
    this.#conditions.push(group);
    if (this.lookbehindGroups !== null) {
      this.#checkClosed(group);
      this.#checkLookbehind(group);
    }
  }

  /** The set made by `make` when `key` first came up: equal classes share one set, and cost once. */
  keptSet(key: string, make: () => CodePointSet): CodePointSet {
    const set = this.#sets.get(key) ?? make();
    if (!this.#sets.has(key)) {
      this.#sets.set(key, set);
      this.#classBounds += set.length;
    }
    if (this.#classBounds > classBoundsMax) {
      throw new RefusedPatternError("unsupported", "too many and too large character classes");
    }
    return set;
  }

  /** Notes that there is a repeat. */
  noteRepeat(): void {
    this.#repeats = true;
  }

  /** Notes the first thing that is valid but not supported. */
  noteUnsupported(what: string): void {
    this.#unsupported ??= what;
  }

  /** What can be checked only when all is read. */
  checkAtEnd(): void {
    if (this.#conditions.some((group) => group >= this.groups)) {
      throw invalid("invalid group reference");
    }
    if (this.#globalLetters.includes("a") && this.#globalLetters.includes("u")) {
      throw invalid("ASCII and UNICODE flags are incompatible");
    }
    if (this.#globalLetters.includes("t") && this.#repeats) {
      throw invalid("unsupported template operator");
    }
  }

  #checkClosed(group: number): void {
    if (!this.#widths[group]) {
      throw invalid("cannot refer to an open group");
    }
  }

  #checkLookbehind(group: number): void {
    if (this.lookbehindGroups !== null && group >= this.lookbehindGroups) {
      throw invalid("cannot refer to group defined in the same lookbehind subpattern");
    }
  }
}
