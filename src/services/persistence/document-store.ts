/**
 * What the archive needs of a store on disk, and why there may be none. Of two stores each holds one entry of
 * an environment, so that whatever happens to the files of one leaves the other.
 */

/** Keys are text, values are bytes. Each rejects where the disk does not let us. */
export interface DocumentStore {
  get(key: string): Promise<Uint8Array | undefined>;
  /** @returns a value for each key, in their order */
  getMany(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** @param options `sync`: it resolves when the disk has it, and all that was written before */
  put(key: string, value: Uint8Array, options?: { readonly sync: boolean }): Promise<void>;
  del(key: string, options?: { readonly sync: boolean }): Promise<void>;
  /** Deletes the keys from `gte` on, up to and without `lt`. */
  clear(range: { readonly gte: string; readonly lt: string }): Promise<void>;
  /** @returns the first key behind this one; null: there is none */
  nextKey(after: string): Promise<string | null>;
}

/** The two stores of an archive, by the names of their folders. */
export type StoreName = "a" | "b";
export const storeNames: readonly StoreName[] = ["a", "b"];
export type TwinStores = Readonly<Record<StoreName, DocumentStore>>;

/** @returns the name of the other one */
export function otherStore(name: StoreName): StoreName {
  return name === "a" ? "b" : "a";
}
