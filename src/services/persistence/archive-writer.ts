/**
 * Writes published documents to the archive behind the back of everything else: nothing waits for the disk,
 * however slow, full or dead it is. Of several documents of one environment that wait, the last is written.
 */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import type { DocumentArchive } from "./document-archive.ts";

/**
 * How old the note may be that a document was confirmed; it is written no more often. As often a document is
 * tried again that could not be written.
 */
export const confirmedEveryMs = 60_000;

interface ArchiveWriterOptions {
  readonly archive: Pick<DocumentArchive, "keep" | "confirm" | "forget">;
  readonly clock: Pick<Clock, "monotonicMs" | "wallTime">;
  readonly logger: Logger;
}

interface HeldDocument {
  readonly document: SnapshotInput;
  readonly isWritten: boolean;
}

/** One for the whole archive: documents are written one after the other. */
export class ArchiveWriter {
  readonly #options: ArchiveWriterOptions;
  /** By environment, in the order in which they came; null: what is there of it is to go. */
  readonly #waiting = new Map<string, SnapshotInput | null>();
  readonly #confirmedMs = new Map<string, number>();
  /** The last document of each environment, to be written again where the disk has lost it. */
  readonly #held = new Map<string, HeldDocument>();
  /** Environments of which something may still be there that is to go. */
  readonly #forgetting = new Set<string>();
  #writing: Promise<void> | null = null;
  #isFailing = false;

  constructor(options: ArchiveWriterOptions) {
    this.#options = options;
  }

  /** Has a document written that is being served now. */
  keep(environment: string, document: SnapshotInput): void {
    this.#waiting.set(environment, document);
    this.#confirmedMs.set(environment, this.#options.clock.monotonicMs());
    this.#writing ??= this.#writeAll();
  }

  /** A document is being served that was read from the archive. */
  found(environment: string, document: SnapshotInput): void {
    if (!this.#held.has(environment)) this.#held.set(environment, { document, isWritten: true });
  }

  /** Has all removed that is there of an environment. */
  forget(environment: string): void {
    this.#forgetting.add(environment);
    this.#waiting.set(environment, null);
    this.#confirmedMs.delete(environment);
    this.#writing ??= this.#writeAll();
  }

  /** Whether what is there of an environment is to go, and has not gone yet. */
  isForgetting(environment: string): boolean {
    return this.#forgetting.has(environment);
  }

  /** Notes that the document that is served was confirmed, or tries again to write it. */
  confirm(environment: string): void {
    const { archive, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - (this.#confirmedMs.get(environment) ?? Number.NEGATIVE_INFINITY) < confirmedEveryMs) return;
    const held = this.#held.get(environment);
    if (held?.isWritten === false) {
      this.keep(environment, held.document);
      return;
    }
    this.#confirmedMs.set(environment, nowMs);
    const confirmed = archive.confirm(environment, clock.wallTime()).then((isThere) => {
      if (isThere) this.#succeeded();
      else if (held !== undefined && held === this.#held.get(environment) && !this.isForgetting(environment))
        this.keep(environment, held.document);
    });
    confirmed.catch((error: unknown) => this.failed(error));
  }

  /** Resolves when nothing waits to be written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    for (const [environment, document] of this.#waiting) {
      // One that comes while this one is written comes in again, behind the others.
      this.#waiting.delete(environment);
      await this.#write(environment, document);
    }
    this.#writing = null;
  }

  async #write(environment: string, document: SnapshotInput | null): Promise<void> {
    const { archive } = this.#options;
    const forgets = document === null || this.#forgetting.has(environment);
    try {
      if (document === null) this.#held.delete(environment);
      else this.#held.set(environment, { document, isWritten: false });
      // One that came while the last one's was to be removed is another environment's: none of that may stay.
      if (forgets) await archive.forget(environment);
      if (document !== null) await archive.keep(environment, document);
      if (document !== null) this.#held.set(environment, { document, isWritten: true });
      if (forgets && this.#waiting.get(environment) !== null) this.#forgetting.delete(environment);
      this.#succeeded();
    } catch (error) {
      this.failed(error);
    }
  }

  #succeeded(): void {
    if (this.#isFailing) this.#options.logger.info({}, "Documents are archived again");
    this.#isFailing = false;
  }

  /** Says once why documents are not archived; the next one that is ends it. */
  failed(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.logger.warn(
      { reason },
      "Documents are not archived: flags are served all the same, but a start without the upstream would " +
        "begin with an older document, or none. Look at the disk of storage.path. It is tried again",
    );
  }
}
