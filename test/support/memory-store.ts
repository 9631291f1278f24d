/** The store of documents in memory: what a process left at some moment can be looked at, and damaged. */
import type { DocumentStore } from "../../src/services/persistence/document-store.ts";

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

  close = async (): Promise<void> => undefined;

  #count(): void {
    if (this.writes >= this.#writesMax) throw new Error("no more can be written");
    this.writes += 1;
  }
}
