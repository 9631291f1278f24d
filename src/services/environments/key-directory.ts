/**
 * From a presented key to the environment it opens and the view it has, in one look-up (contract A2). It
 * knows nothing of documents. How long it takes tells nothing of the keys there are (decision 0019).
 */
import type { View } from "../../cache/environment-snapshot.ts";
import type { SnapshotSlot } from "../../cache/snapshot-store.ts";
import type { EnvironmentKeyPair } from "../../models/settings.ts";

/** What a key gives access to. */
export interface KeyGrant {
  readonly slot: SnapshotSlot;
  readonly view: View;
}

/** @returns what the key opens, or undefined where no environment has it */
export type KeyResolver = (key: string) => KeyGrant | undefined;

export class KeyDirectory {
  readonly #grants = new Map<string, KeyGrant>();
  /** Of the longest key there is: what is longer is not even hashed. */
  #charactersMax = 0;

  /**
   * Registers both keys of an environment; the configuration made sure that no two environments share one.
   */
  add(keys: EnvironmentKeyPair, slot: SnapshotSlot): void {
    this.#add(keys.clientSideKey, { slot, view: "client" });
    this.#add(keys.serverSideKey, { slot, view: "server" });
  }

  readonly resolve: KeyResolver = (key) =>
    key.length > this.#charactersMax ? undefined : this.#grants.get(key);

  #add(key: string, grant: KeyGrant): void {
    this.#grants.set(key, grant);
    this.#charactersMax = Math.max(this.#charactersMax, key.length);
  }
}
