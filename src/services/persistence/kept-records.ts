/**
 * Single records beside the archived documents, in the same store: read at a start, and on disk once a write
 * has ended. It never rejects: what cannot be kept is one warning, until it can be again.
 */
import type { Logger } from "../service-logger.ts";
import { StoreUnavailableError } from "./store-errors.ts";

/** Documents are stored under digests, which no name begins like. */
export type RecordName = `@${string}`;

/** Each rejects where the disk does not let us: with StoreUnavailableError where somebody has said so. */
export interface RecordStore {
  /** @param mayBeAnothers whether it may be read while another process owns the store, and writes to it */
  get(name: RecordName, mayBeAnothers: boolean): Promise<Uint8Array | undefined>;
  /** Resolves when it is on disk. */
  put(name: RecordName, bytes: Uint8Array): Promise<void>;
  del(name: RecordName): Promise<void>;
}

interface WaitingRecord {
  bytes: Uint8Array | null;
  readonly written: PromiseWithResolvers<boolean>;
}

/** One for each store. */
export class KeptRecords {
  readonly #store: RecordStore;
  readonly #logger: Logger;
  /** The newest of each name that is to be written, in the order in which they came. */
  readonly #waiting = new Map<RecordName, WaitingRecord>();
  /** The writes follow each other, so that the last one stands. */
  #writing: Promise<void> | null = null;
  #isFailing = false;

  constructor(store: RecordStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /**
   * @param mayBeAnothers see `RecordStore`
   * @returns what was written last; null where there is nothing, undefined where it cannot be read now
   */
  async read(name: RecordName, mayBeAnothers = true): Promise<Uint8Array | null | undefined> {
    try {
      return (await this.#store.get(name, mayBeAnothers)) ?? null;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  /**
   * What waits to be written under a name gives way to what comes: a slow disk has no queue.
   * @param bytes null: nothing is to be there any more
   * @returns whether it is on disk, or what came in its place
   */
  write(name: RecordName, bytes: Uint8Array | null): Promise<boolean> {
    const waiting = this.#waiting.get(name) ?? { bytes, written: Promise.withResolvers<boolean>() };
    waiting.bytes = bytes;
    this.#waiting.set(name, waiting);
    this.#writing ??= this.#writeAll();
    return waiting.written.promise;
  }

  /** Resolves when what was to be written before is. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    for (const [name, { bytes, written }] of this.#waiting) {
      this.#waiting.delete(name);
      written.resolve(await this.#write(name, bytes));
    }
    this.#writing = null;
  }

  async #write(name: RecordName, bytes: Uint8Array | null): Promise<boolean> {
    try {
      await (bytes === null ? this.#store.del(name) : this.#store.put(name, bytes));
      if (this.#isFailing) this.#logger.info({}, "Records are kept on disk again");
      this.#isFailing = false;
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #failed(error: unknown): void {
    if (this.#isFailing || error instanceof StoreUnavailableError) return;
    this.#isFailing = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#logger.warn(
      { reason },
      "Discovered environments and usage cannot be kept on disk, and would not outlive this process. Look " +
        "at the disk of storage.path",
    );
  }
}
