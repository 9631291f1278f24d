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
import type { ArchivedDocument } from "./document-archive.ts";
import { KeptRecords } from "./kept-records.ts";
import { LastingArchive } from "./lasting-archive.ts";
import { StoreUnavailableError } from "./store-errors.ts";

/** What is still to be written when the process ends gets so long. */
const lastWritesMsMax = 5000;
/** What was removed while no process ran may have been removed by mistake: for so long it may come back. */
const unusedDaysMax = 30;
const dayMs = 86_400_000;
/** From a start on: by then each environment that is served was asked for, discovered ones too. */
const firstLookMs = 3_600_000;

export interface EnvironmentArchiveOptions {
  /** A folder; made where there is none. */
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Owns the store, for documents and for the records beside them. */
export class EnvironmentArchive implements AsyncDisposable {
  /** What else is kept in the same store. */
  readonly records: KeptRecords;
  readonly #options: EnvironmentArchiveOptions;
  readonly #archive: LastingArchive;
  readonly #writer: ArchiveWriter;
  /** The names of the environments there are. */
  readonly #used = new Set<string>();
  #nextLookMs: number;
  #isEnding = false;

  /** Begins to open it. */
  constructor(options: EnvironmentArchiveOptions) {
    const { path, clock, logger } = options;
    this.#options = options;
    this.#nextLookMs = clock.monotonicMs() + firstLookMs;
    this.#archive = new LastingArchive(path, logger);
    this.#writer = new ArchiveWriter({ archive: this.#archive, clock, logger });
    this.#archive.open().catch((error: unknown) => {
      if (!this.#isEnding) this.#writer.failed(error);
    });
    this.records = new KeptRecords(this.#archive, logger);
  }

  /**
   * Reads what was last served, and says so in the log where it is damaged. It never rejects.
   * @returns null where nothing was archived, or nothing can be used; one that has just come back does not
   *   find what is still to be removed of it
   */
  async find(clientKey: string): Promise<ArchivedDocument | null> {
    const { logger } = this.#options;
    const environment = maskKey(clientKey);
    const name = this.#use(clientKey);
    if (this.#writer.isForgetting(name)) return null;
    try {
      const { found, refusals } = await this.#archive.find(name);
      for (const refusal of refusals) {
        logger.warn({ environment }, `An archived document is not used: ${refusal}`);
      }
      // What another build has packed is packed anew: its buffers are nobody's.
      if (found?.isPacked === true) this.#writer.found(name, found.document);
      return found;
    } catch (error) {
      // That there is none was said when it was opened.
      if (error instanceof StoreUnavailableError) return null;
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn({ environment, reason }, "The archive of documents cannot be read");
      return null;
    }
  }

  /** Has a document archived that is served now; it returns at once. */
  keep(clientKey: string, document: SnapshotInput): void {
    this.#writer.keep(this.#use(clientKey), document);
  }

  /** Has all removed that is there of an environment; it returns at once. */
  forget(clientKey: string): void {
    const name = nameOf(clientKey);
    this.#used.delete(name);
    this.#writer.forget(name);
  }

  /** Notes that the document that is served is still the upstream's. */
  confirm(clientKey: string): void {
    this.#writer.confirm(this.#use(clientKey));
    void this.#dropUnused();
  }

  /** Writes what waits, for a while, and lets the store go. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    const close = () => this.#archive.close();
    const closed = this.#writer
      .settled()
      .then(close, close)
      .catch(() => undefined);
    await settlesWithin(closed, lastWritesMsMax, this.#options.clock);
    // A store that cannot be closed in order is left as after a kill.
    this.#archive.giveUp();
  }

  /** @returns the environment's name, which is in use from now on */
  #use(clientKey: string): string {
    const name = nameOf(clientKey);
    this.#used.add(name);
    return name;
  }

  /** Looks once a day, while documents are confirmed, for environments that are not there. Never rejects. */
  async #dropUnused(): Promise<void> {
    const { clock, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#nextLookMs) return;
    this.#nextLookMs = nowMs + dayMs;
    const time = new Date(clock.wallTime().getTime() - unusedDaysMax * dayMs);
    // A store that cannot be read is told of by those who need it.
    const found = await this.#archive.unusedSince(time).catch(() => []);
    const unused = this.#isEnding ? [] : found.filter((name) => !this.#used.has(name));
    if (unused.length === 0) return;
    for (const name of unused) this.#writer.forget(name);
    const message = `Documents of environments that were not served for ${unusedDaysMax} days are removed`;
    logger.info({ environments: unused.length }, message);
  }
}

/** No key is written to disk. */
function nameOf(clientKey: string): string {
  return hash("sha256", clientKey).slice(0, 32);
}
