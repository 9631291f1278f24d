/**
 * The archive in a folder, whatever becomes of the disk below it: opened when it is needed, opened anew
 * behind a write that failed, and read from a copy where it cannot be opened. It tries once for each call;
 * when to try again is its callers' concern.
 */
import { statfs } from "node:fs/promises";
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import { packedBuffers } from "../documents/packed-layout.ts";
import type { Logger } from "../service-logger.ts";
import { type ArchiveReading, DocumentArchive } from "./document-archive.ts";
import {
  type DocumentStore,
  type ListedStore,
  openDocumentStore,
  StoreUnavailableError,
} from "./document-store.ts";
import type { RecordName, RecordStore } from "./kept-records.ts";
import { openStoreCopy, type StoreCopy } from "./store-copy.ts";
import { environmentsUnusedSince } from "./unused-environments.ts";

/** The store writes a document to its log, and again into a table. */
const writesOfDocument = 2;

/** Owns the folder; a second process that wants it is refused. */
export class LastingArchive implements RecordStore, AsyncDisposable {
  readonly #path: string;
  readonly #logger: Logger;
  #opening: Promise<ListedStore> | null = null;
  #opened: DocumentStore | null = null;
  #copying: Promise<StoreCopy> | null = null;
  #isClosed = false;

  /** @param path a folder; made where there is none */
  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** @throws StoreUnavailableError where it cannot be written to */
  async open(): Promise<void> {
    await this.#open();
  }

  /** As `DocumentArchive.find`. @throws StoreUnavailableError where there is neither a store nor a copy */
  async find(environment: string): Promise<ArchiveReading> {
    return new DocumentArchive(await this.#storeToRead()).find(environment);
  }

  /** As `DocumentArchive.keep`. @throws also where the disk has no room for it: then nothing was written */
  async keep(environment: string, document: SnapshotInput): Promise<void> {
    const store = await this.#open();
    const bytes = packedBuffers(document.packed).reduce((total, { byteLength }) => total + byteLength, 0);
    // A store that fills the disk cannot be opened again: it would have to write for that.
    await ensureRoom(this.#path, writesOfDocument * bytes);
    await this.#write(store, (archive) => archive.keep(environment, document));
    await this.#dropCopy();
  }

  /** As `DocumentArchive.confirm`. */
  async confirm(environment: string, time: Date): Promise<void> {
    await this.#write(await this.#open(), (archive) => archive.confirm(environment, time));
  }

  /** As `DocumentArchive.forget`. */
  async forget(environment: string): Promise<void> {
    await this.#write(await this.#open(), (archive) => archive.forget(environment));
  }

  /** As `environmentsUnusedSince`. @throws StoreUnavailableError where they could not be removed either */
  async unusedSince(time: Date): Promise<readonly string[]> {
    const store = await this.#open();
    return await environmentsUnusedSince(time, store, new DocumentArchive(store));
  }

  /** Of the records beside the documents. @throws StoreUnavailableError as `find` */
  async get(name: RecordName): Promise<Uint8Array | undefined> {
    return await (await this.#storeToRead()).get(name);
  }

  async put(name: RecordName, bytes: Uint8Array): Promise<void> {
    const store = await this.#open();
    await this.#write(store, async () => await store.put(name, bytes, { sync: true }));
  }

  async del(name: RecordName): Promise<void> {
    const store = await this.#open();
    await this.#write(store, async () => await store.del(name, { sync: true }));
  }

  /** One that is being opened is not waited for: it is closed when it is there. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#opened?.close();
    await this.#dropCopy();
  }

  #open(): Promise<ListedStore> {
    this.#opening ??= this.#openStore();
    return this.#opening;
  }

  async #openStore(): Promise<ListedStore> {
    try {
      const { store, setAside } = await openDocumentStore(this.#path);
      if (setAside !== null) {
        const text = "The archive was damaged and is begun anew; what was there is kept";
        this.#logger.warn({ folder: setAside }, text);
      }
      if (this.#isClosed) {
        await store.close();
        throw new StoreUnavailableError("the proxy is ending", "closed");
      }
      this.#opened = store;
      return store;
    } catch (error) {
      this.#opening = null;
      throw error;
    }
  }

  /**
   * LevelDB goes on behind a write that failed, and says that later ones succeed; but what comes behind a
   * torn record is not read again (seen on a full disk). Opened anew it knows what it has.
   */
  async #write(store: DocumentStore, write: (archive: DocumentArchive) => Promise<void>): Promise<void> {
    try {
      await write(new DocumentArchive(store));
    } catch (error) {
      if (this.#opened === store) {
        this.#opened = null;
        this.#opening = null;
      }
      await store.close().catch(() => undefined);
      throw error;
    }
  }

  async #storeToRead(): Promise<DocumentStore> {
    try {
      return await this.#open();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || !error.mayBeCopied) throw error;
      this.#copying ??= openStoreCopy(this.#path);
      const copy = await this.#copying.catch(() => null);
      if (copy === null) throw error;
      return copy.store;
    }
  }

  async #dropCopy(): Promise<void> {
    const copying = this.#copying;
    this.#copying = null;
    const copy = await copying?.catch(() => null);
    await copy?.[Symbol.asyncDispose]();
  }
}

/** @throws where the disk says that it has less room */
async function ensureRoom(path: string, bytes: number): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(path);
  const freeBytes = bavail * bsize;
  // Some file systems say nothing of their size.
  if (blocks === 0 || freeBytes >= bytes) return;
  throw new Error(`${path} has ${freeBytes} bytes left, and ${bytes} are needed`);
}
