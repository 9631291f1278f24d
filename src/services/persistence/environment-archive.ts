/**
 * The archive as the control plane uses it: opened in the background, silent where there is none, and never
 * waited for longer than a start may take. What it cannot do it says once, in the log.
 */
import { hash } from "node:crypto";
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import { maskKey } from "../../models/masked-key.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import { settlesWithin } from "../time-limit.ts";
import { ArchiveWriter } from "./archive-writer.ts";
import { type ArchivedDocument, DocumentArchive } from "./document-archive.ts";
import { type DocumentStore, openDocumentStore, StoreUnavailableError } from "./document-store.ts";
import { KeptRecords, type RecordStore } from "./kept-records.ts";

/** What is still to be written when the process ends gets so long. */
const lastWritesMsMax = 5000;

export interface EnvironmentArchiveOptions {
  /** A folder; made where there is none. */
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface OpenArchive {
  readonly store: DocumentStore;
  readonly archive: DocumentArchive;
  readonly writer: ArchiveWriter;
}

export class EnvironmentArchive implements AsyncDisposable {
  /** What else is kept in the same store. */
  readonly records: KeptRecords;
  readonly #options: EnvironmentArchiveOptions;
  readonly #opening: Promise<OpenArchive | null>;
  #opened: OpenArchive | null = null;
  #isClosed = false;

  /** Begins to open it. */
  constructor(options: EnvironmentArchiveOptions) {
    this.#options = options;
    this.#opening = this.#open();
    const store = async (): Promise<DocumentStore> => {
      const opened = await this.#opening;
      if (opened === null) throw new StoreUnavailableError("there is no store");
      return opened.store;
    };
    const records: RecordStore = {
      get: async (name) => await (await store()).get(name),
      put: async (name, bytes) => await (await store()).put(name, bytes, { sync: true }),
      del: async (name) => await (await store()).del(name, { sync: true }),
    };
    this.records = new KeptRecords(records, options.logger);
  }

  /**
   * Reads what was last served, and says so in the log where it is damaged. It never rejects.
   * @returns null where nothing was archived, or nothing can be used
   */
  async find(clientKey: string): Promise<ArchivedDocument | null> {
    const { logger } = this.#options;
    const environment = maskKey(clientKey);
    try {
      const reading = await (await this.#opening)?.archive.find(nameOf(clientKey));
      for (const refusal of reading?.refusals ?? []) {
        logger.warn({ environment }, `An archived document is not used: ${refusal}`);
      }
      return reading?.found ?? null;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn({ environment, reason }, "The archive of documents cannot be read");
      return null;
    }
  }

  /** Has a document archived that is served now; it returns at once. */
  keep(clientKey: string, document: SnapshotInput): void {
    this.#opened?.writer.keep(nameOf(clientKey), document);
  }

  /** Has all removed that is there of an environment; it returns at once. */
  forget(clientKey: string): void {
    this.#opened?.writer.forget(nameOf(clientKey));
  }

  /** Notes that the document that is served is still the upstream's. */
  confirm(clientKey: string): void {
    this.#opened?.writer.confirm(nameOf(clientKey));
  }

  /** Writes what waits, for a while, and lets the store go. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const opened = this.#opened;
    if (opened === null) return;
    const close = () => opened.store.close();
    // A store that cannot be closed in order is left as after a kill.
    const closed = opened.writer
      .settled()
      .then(close, close)
      .catch(() => undefined);
    await settlesWithin(closed, lastWritesMsMax, this.#options.clock);
  }

  async #open(): Promise<OpenArchive | null> {
    const { path, clock, logger } = this.#options;
    try {
      const { store, setAside } = await openDocumentStore(path);
      if (setAside !== null) {
        logger.warn(
          { folder: setAside },
          "The archive was damaged and is begun anew; what was there is kept",
        );
      }
      const archive = new DocumentArchive(store);
      const writer = new ArchiveWriter({ archive, clock, logger });
      if (this.#isClosed) await store.close();
      else this.#opened = { store, archive, writer };
      return this.#opened;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      logger.warn({}, `Documents are not archived: ${error.message}. Flags are served all the same`);
      return null;
    }
  }
}

/** No key is written to disk. */
function nameOf(clientKey: string): string {
  return hash("sha256", clientKey).slice(0, 32);
}
