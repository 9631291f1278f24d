/**
 * Identity overrides, compiled when their identity is first seen and remembered for a while: of 100,000, few
 * are ever asked for. It does not know where overrides are kept.
 */
import type { IdentityOverrideModel } from "../models/environment-document.ts";
import { ownCopy } from "./own-copy.ts";

/** @returns the overrides of an identifier in document order; an empty list where it has none */
export type OverrideFinder = (identifier: string) => readonly IdentityOverrideModel[];

/** So many compiled overrides are remembered, and up to as many again that were asked for before them. */
const recentMax = 4096;

/** @typeParam Compiled what the overrides of one identity are compiled to */
export class IdentityOverrides<Compiled> {
  readonly #find: OverrideFinder;
  readonly #compile: (overrides: readonly IdentityOverrideModel[]) => Compiled;
  #recent = new Map<string, Compiled>();
  /** The ones asked for before; what is asked for again becomes recent. Cheaper than an exact order. */
  #earlier = new Map<string, Compiled>();

  /**
   * @param find looks up an identifier; asked again once it is forgotten, and for each that has no override
   * @param compile merges what was found
   */
  constructor(find: OverrideFinder, compile: (overrides: readonly IdentityOverrideModel[]) => Compiled) {
    this.#find = find;
    this.#compile = compile;
  }

  /** @returns undefined where the identifier has no override */
  of(identifier: string): Compiled | undefined {
    const recent = this.#recent.get(identifier);
    if (recent !== undefined) return recent;
    const override = this.#earlier.get(identifier) ?? this.#findAndCompile(identifier);
    if (override !== undefined) this.#remember(identifier, override);
    return override;
  }

  #findAndCompile(identifier: string): Compiled | undefined {
    const found = this.#find(identifier);
    return found.length === 0 ? undefined : this.#compile(found);
  }

  #remember(identifier: string, override: Compiled): void {
    if (this.#recent.size >= recentMax) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(ownCopy(identifier), override);
  }
}
