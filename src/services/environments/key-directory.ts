/**
 * From a presented key to the environment it opens and the view it has, in one look-up (contract A2). It
 * knows nothing of documents. How long it takes tells nothing of the keys there are (decision 0019).
 */
import { zeroCounts } from "../../cache/answer-counts.ts";
import type { View } from "../../cache/environment-snapshot.ts";
import type { SnapshotSlot } from "../../cache/snapshot-store.ts";
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { Clock } from "../clock.ts";

/** What a key gives access to. */
export interface KeyGrant {
  readonly slot: SnapshotSlot;
  readonly view: View;
  /** When the key ceases to be valid, in milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null;
}

/** @returns what the key opens, or undefined where no environment has it, or it has expired */
export type KeyResolver = (key: string) => KeyGrant | undefined;

export class KeyDirectory {
  readonly #clock: Pick<Clock, "wallTime">;
  readonly #grants = new Map<string, KeyGrant>();
  readonly #keysOfSlots = new Map<SnapshotSlot, readonly string[]>();
  /** Of the longest key there was: what is longer is not even hashed. */
  #charactersMax = 0;
  #isComplete = true;

  /** @param clock tells whether a key has expired */
  constructor(clock: Pick<Clock, "wallTime">) {
    this.#clock = clock;
  }

  /**
   * These keys, and no others, open the environment from now on. No two environments share one, but for a
   * moment while they exchange it: the one that was set last has it then.
   */
  set(slot: SnapshotSlot, { clientSideKey, serverKeys }: EnvironmentKeys): void {
    this.remove(slot);
    this.#keysOfSlots.set(slot, [clientSideKey, ...serverKeys.map(({ key }) => key)]);
    this.#grant(clientSideKey, { slot, view: "client", expiresAtMs: null });
    for (const { key, expiresAtMs } of serverKeys) this.#grant(key, { slot, view: "server", expiresAtMs });
  }

  /** Nothing opens the environment any more. */
  remove(slot: SnapshotSlot): void {
    for (const key of this.#keysOfSlots.get(slot) ?? []) {
      if (this.#grants.get(key)?.slot === slot) this.#grants.delete(key);
    }
    this.#keysOfSlots.delete(slot);
  }

  /**
   * While not all keys are known, an unknown one may turn out to be right: it opens a slot that never gets a
   * document, so that its requests are answered 503.
   */
  setComplete(isComplete: boolean): void {
    this.#isComplete = isComplete;
  }

  readonly resolve: KeyResolver = (key) => {
    const grant = key.length > this.#charactersMax ? undefined : this.#grants.get(key);
    if (grant === undefined) return this.#isComplete ? undefined : notLoaded(key);
    return grant.expiresAtMs === null || this.#isValid(grant.expiresAtMs) ? grant : undefined;
  };

  #isValid(expiresAtMs: number): boolean {
    return expiresAtMs > this.#clock.wallTime().getTime();
  }

  #grant(key: string, grant: KeyGrant): void {
    this.#grants.set(key, grant);
    this.#charactersMax = Math.max(this.#charactersMax, key.length);
  }
}

const emptySlot: SnapshotSlot = { current: null, counts: zeroCounts() };

/** One for each view: who limits rates counts by grants, and keys could be made up without end. */
const notLoadedGrants: Readonly<Record<View, KeyGrant>> = {
  client: { slot: emptySlot, view: "client", expiresAtMs: null },
  server: { slot: emptySlot, view: "server", expiresAtMs: null },
};

function notLoaded(key: string): KeyGrant {
  return notLoadedGrants[key.startsWith("ser.") ? "server" : "client"];
}
