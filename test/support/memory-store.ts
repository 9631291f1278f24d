/** The store of documents in memory: what a process left at some moment can be looked at, and damaged. */
import type { DocumentStore, StoreName, TwinStores } from "../../src/services/persistence/document-store.ts";

/** @returns the two stores of an archive in one, whose keys begin with the store's name and `:` */
export function twinsIn(store: DocumentStore): TwinStores {
  return { a: within(store, "a"), b: within(store, "b") };
}

function within(store: DocumentStore, name: StoreName): DocumentStore {
  const own = (key: string) => `${name}:${key}`;
  return {
    get: (key) => store.get(own(key)),
    getMany: (keys) => store.getMany(keys.map(own)),
    put: (key, value, options) => store.put(own(key), value, options),
    del: (key, options) => store.del(own(key), options),
    clear: ({ gte, lt }) => store.clear({ gte: own(gte), lt: own(lt) }),
    nextKey: async (after) => {
      const key = await store.nextKey(own(after));
      return key?.startsWith(own("")) === true ? key.slice(own("").length) : null;
    },
  };
}

export class MemoryStore implements DocumentStore {
  readonly #bytes: Map<string, Uint8Array>;
  /** How many writes there were. */
  writes = 0;
  readonly #writesMax: number;

  /**
   * @param copied begins with what this one holds
   * @param writesMax after so many writes each further one fails
   */
  constructor(copied?: MemoryStore, writesMax = Number.POSITIVE_INFINITY) {
    this.#bytes = new Map(copied === undefined ? [] : copied.#bytes);
    this.#writesMax = writesMax;
  }

  keys(): string[] {
    return [...this.#bytes.keys()].sort();
  }

  bytesOf(key: string): Uint8Array | undefined {
    return this.#bytes.get(key);
  }

  get = async (key: string): Promise<Uint8Array | undefined> => this.#bytes.get(key);

  getMany = async (keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> =>
    keys.map((key) => this.#bytes.get(key));

  nextKey = async (after: string): Promise<string | null> => this.keys().find((key) => key > after) ?? null;

  put = async (key: string, value: Uint8Array): Promise<void> => {
    this.#count();
    this.#bytes.set(key, Uint8Array.from(value));
  };

  del = async (key: string): Promise<void> => {
    this.#count();
    this.#bytes.delete(key);
  };

  clear = async ({ gte = "", lt = "" }: { gte?: string; lt?: string } = {}): Promise<void> => {
    this.#count();
    for (const key of this.keys()) if (key >= gte && key < lt) this.#bytes.delete(key);
  };

  #count(): void {
    if (this.writes >= this.#writesMax) throw new Error("no more can be written");
    this.writes += 1;
  }
}
