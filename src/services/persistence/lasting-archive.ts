/**
 * The archive in a folder, whatever becomes of the disk below it: opened when it is needed, opened anew
 * behind a write that failed or a process that ended, and read from a copy where it cannot be opened.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import { packedBuffers } from "../documents/packed-layout.ts";
import type { Logger } from "../service-logger.ts";
import { type ArchiveReading, DocumentArchive } from "./document-archive.ts";
import { type StoreName, storeNames, type TwinStores } from "./document-store.ts";
import type { RecordName, RecordStore } from "./kept-records.ts";
import { type OpenStores, openCopy, openStores } from "./open-stores.ts";
import { mayGoWellAnew, StoreDamagedError, StoreEndedError, StoreUnavailableError } from "./store-errors.ts";
import type { StoreOpening } from "./store-orders.ts";
import { StoreProcess } from "./store-process.ts";
import { environmentsUnusedSince } from "./unused-environments.ts";

/** The store writes a document to its log, and again into a table. */
const writesOfDocument = 2;
/** Each store may end the process that opens it, and the one that reads it. */
const endsMax = 4;
/** A process that ends beside any order may have been ended by either store. */
const unexplainedEndsMax = 2;
/** The process of a proxy that was killed lets its stores go so soon. */
const lockedMsMax = 1000;
const lockedPauseMs = 50;
/** One that is killed has gone so soon, unless its disk hangs. */
const killMsMax = 500;

/** Owns the folder; a second process that wants it is refused. */
export class LastingArchive implements RecordStore {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #orderMsMax: number | undefined;
  #opening: Promise<OpenStores> | null = null;
  /** Null where they are to be opened anew. */
  #opened: OpenStores | null = null;
  #copying: Promise<OpenStores> | null = null;
  /** The last one that was started; it may live on where the disk hangs. */
  #process: StoreProcess | null = null;
  /** Stores whose files end the process that reads them; they are set aside. */
  readonly #damaged = new Set<StoreName>();
  #unexplainedEnds = 0;
  #isClosed = false;

  /**
   * @param path a folder; made where there is none
   * @param orderMsMax how long the disk may take for each step; see `StoreProcess`
   */
  constructor(path: string, logger: Logger, orderMsMax?: number) {
    this.#path = path;
    this.#logger = logger;
    this.#orderMsMax = orderMsMax;
  }

  /** @throws StoreUnavailableError where it cannot be written to */
  async open(): Promise<void> {
    await this.#open();
  }

  /** As `DocumentArchive.find`. @throws StoreUnavailableError where there is neither a store nor a copy */
  async find(environment: string): Promise<ArchiveReading> {
    return await this.#read(true, async (twins) => await new DocumentArchive(twins).find(environment));
  }

  /** As `DocumentArchive.keep`. @throws also where the disk has no room for it: then nothing was written */
  async keep(environment: string, document: SnapshotInput): Promise<void> {
    const lengths = packedBuffers(document.packed).map(({ byteLength }) => byteLength);
    const bytes = writesOfDocument * lengths.reduce((total, each) => total + each, 0);
    await this.#write(async (twins, process) => {
      // A store that fills the disk cannot be opened again: it would have to write for that.
      await process.ask({ kind: "room", bytes });
      await new DocumentArchive(twins).keep(environment, document);
    });
    await this.#dropCopy();
  }

  /** As `DocumentArchive.confirm`. */
  async confirm(environment: string, time: Date): Promise<boolean> {
    return await this.#write(async (twins) => await new DocumentArchive(twins).confirm(environment, time));
  }

  /** As `DocumentArchive.forget`. */
  async forget(environment: string): Promise<void> {
    await this.#write(async (twins) => await new DocumentArchive(twins).forget(environment));
  }

  /** As `environmentsUnusedSince`. @throws StoreUnavailableError where they could not be removed either */
  async unusedSince(time: Date): Promise<readonly string[]> {
    const { twins } = await this.#open();
    return await environmentsUnusedSince(time, twins, new DocumentArchive(twins));
  }

  /** Of the records beside the documents. @throws StoreUnavailableError as `find` */
  async get(name: RecordName, mayBeAnothers: boolean): Promise<Uint8Array | undefined> {
    return await this.#read(mayBeAnothers, async ({ a, b }) => {
      const found = await a.get(name).catch((error: unknown) => {
        if (!(error instanceof StoreDamagedError)) throw error;
      });
      return found ?? (await b.get(name));
    });
  }

  async put(name: RecordName, bytes: Uint8Array): Promise<void> {
    await this.#write(async (twins) => {
      for (const store of storeNames) await twins[store].put(name, bytes, { sync: true });
    });
  }

  async del(name: RecordName): Promise<void> {
    await this.#write(async (twins) => {
      for (const store of storeNames) await twins[store].del(name, { sync: true });
    });
  }

  /** Resolves when the stores are closed. One that is being opened is not waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const process = this.#process;
    if (process !== null && !process.hasEnded) await process.close();
    await this.#dropCopy();
  }

  /** Ends at once, where the disk takes too long to close them. */
  giveUp(): void {
    this.#isClosed = true;
    this.#process?.giveUp();
    void this.#copying?.then(({ process }) => process.giveUp()).catch(() => undefined);
  }

  #open(): Promise<OpenStores> {
    if (this.#opened !== null) return Promise.resolve(this.#opened);
    this.#opening ??= this.#openStores().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openStores(): Promise<OpenStores> {
    const endMs = performance.now() + lockedMsMax;
    for (let ends = 0; ; ) {
      try {
        this.#opened = await this.#openOnce();
        return this.#opened;
      } catch (error) {
        this.#requireUnclosed();
        const isLocked = error instanceof StoreUnavailableError && error.isAnothers;
        const culprit = error instanceof StoreEndedError && error.end === "crashed" ? error.store : null;
        if (isLocked && performance.now() < endMs) await sleep(lockedPauseMs);
        else if (culprit !== null && ends < endsMax) {
          ends += 1;
          this.#damaged.add(culprit);
        } else throw error;
      }
    }
  }

  async #openOnce(): Promise<OpenStores> {
    if ((await this.#process?.endsWithin(killMsMax)) === false) {
      throw new StoreUnavailableError(`${this.#path}: its disk has not answered for long`, "silent");
    }
    this.#requireUnclosed();
    const process = new StoreProcess(this.#orderMsMax);
    this.#process = process;
    return await openStores(process, this.#path, this.#damaged, (name, opening) => {
      this.#damaged.delete(name);
      this.#tellOf(opening);
    });
  }

  #requireUnclosed(): void {
    if (this.#isClosed) throw new StoreUnavailableError("the proxy is ending", "closed");
  }

  #tellOf({ isRepaired, setAside }: StoreOpening): void {
    if (isRepaired) this.#logger.warn({}, "The archive was damaged, and is repaired as far as that goes");
    if (setAside === null) return;
    const text = "Half of the archive was damaged and is begun anew; what was there is kept";
    this.#logger.warn({ folder: setAside }, text);
  }

  /** Notes what ended the process; all who wait for it tell of the same end. */
  #dropEnded(stores: OpenStores, { store, end }: StoreEndedError): void {
    const isCrash = end === "crashed";
    if (isCrash && store !== null) this.#damaged.add(store);
    if (this.#opened !== stores) return;
    this.#opened = null;
    if (!isCrash || store !== null) return;
    this.#unexplainedEnds += 1;
    if (this.#unexplainedEnds <= unexplainedEndsMax) return;
    this.#unexplainedEnds = 0;
    for (const name of storeNames) this.#damaged.add(name);
  }

  /** Tries again behind a process that ended: what has ended it is set aside then. */
  async #read<Value>(mayBeAnothers: boolean, read: (twins: TwinStores) => Promise<Value>): Promise<Value> {
    for (let ends = 0; ; ends += 1) {
      const stores = await this.#storesToRead(mayBeAnothers);
      try {
        return await read(stores.twins);
      } catch (error) {
        if (!(error instanceof StoreEndedError)) throw error;
        this.#dropEnded(stores, error);
        if (ends === endsMax || !mayGoWellAnew(error)) throw error;
      }
    }
  }

  /**
   * LevelDB goes on behind a write that failed, and says that later ones succeed; but what comes behind a
   * torn record is not read again (seen on a full disk). Opened anew it knows what it has.
   */
  async #write<Value>(write: (twins: TwinStores, process: StoreProcess) => Promise<Value>): Promise<Value> {
    for (let tries = 1; ; tries += 1) {
      const stores = await this.#open();
      try {
        return await write(stores.twins, stores.process);
      } catch (error) {
        if (error instanceof StoreEndedError) this.#dropEnded(stores, error);
        else if (this.#opened === stores) this.#opened = null;
        if (error instanceof StoreDamagedError) this.#damaged.add(error.store);
        await stores.process.close();
        // One store after the other may be damaged.
        if (tries > storeNames.length || !mayGoWellAnew(error)) throw error;
      }
    }
  }

  async #storesToRead(mayBeAnothers: boolean): Promise<OpenStores> {
    try {
      return await this.#open();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || !error.mayBeCopied) throw error;
      if (error.isAnothers && !mayBeAnothers) throw error;
      const isGone = (await this.#copying?.catch(() => null))?.process.hasEnded === true;
      if (isGone) this.#copying = null;
      this.#copying ??= openCopy(this.#path, this.#damaged);
      const copy = await this.#copying.catch(() => null);
      if (copy === null) throw error;
      return copy;
    }
  }

  async #dropCopy(): Promise<void> {
    const copying = this.#copying;
    this.#copying = null;
    const copy = await copying?.catch(() => null);
    await copy?.process.close();
  }
}
