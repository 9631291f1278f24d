/**
 * The answers of GET flags in one view (contract A4): the list of all flags, prepared at publish, and each
 * flag by itself, prepared when it is first asked for: most never are, and each takes a kilobyte.
 */
import type { Outcome } from "../engine/compile-outcomes.ts";
import type { PreparedResponse } from "./prepared-response.ts";
import type { ShownFlags } from "./shown-flags.ts";

interface PreparedFlagsInput {
  readonly shown: ShownFlags;
  readonly list: PreparedResponse;
  /** Prepares the answer that is this flag alone. */
  readonly prepare: (outcome: Outcome) => PreparedResponse;
}

/** Owned by one view of one snapshot; ends with it. */
export class PreparedFlags {
  readonly list: PreparedResponse;
  readonly shown: ShownFlags;
  readonly #prepare: (outcome: Outcome) => PreparedResponse;
  /** The flags asked for so far, by the query that asks for them as clients write it. */
  readonly #byQuery = new Map<string, PreparedResponse>();

  constructor({ shown, list, prepare }: PreparedFlagsInput) {
    this.shown = shown;
    this.list = list;
    this.#prepare = prepare;
  }

  /** @returns the flag that a query asks for, where it was asked for before and the query is the usual one */
  findAsked(query: string): PreparedResponse | undefined {
    return this.#byQuery.get(query);
  }

  /**
   * The flag of this name: exactly, else in another case.
   * @returns null where this view has none
   */
  find(name: string): PreparedResponse | null {
    const outcome = this.shown.find(name);
    return outcome === undefined ? null : this.#prepareOnce(outcome);
  }

  #prepareOnce(outcome: Outcome): PreparedResponse {
    const query = queryFor(outcome.feature.name);
    const known = this.#byQuery.get(query);
    if (known !== undefined) return known;
    const prepared = this.#prepare(outcome);
    this.#byQuery.set(query, prepared);
    return prepared;
  }
}

/** NOTE: a name with half a surrogate pair cannot be percent-encoded; itself, it is no query either. */
function queryFor(name: string): string {
  return name.isWellFormed() ? `feature=${encodeURIComponent(name)}` : name;
}
