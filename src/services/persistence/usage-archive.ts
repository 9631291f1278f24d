/**
 * Usage on disk that the upstream has not taken: it is sent after a restart, under the same keys. It holds
 * client keys, which are public by nature, and a checksum.
 */
import { type KeptUsage, keptUsage } from "../../models/usage.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import { settlesWithin } from "../time-limit.ts";
import { decodeChecked, encodeChecked } from "./checked-text.ts";
import type { KeptRecords } from "./kept-records.ts";

const usageName = "@usage";
/** So long a start waits for the disk. */
const findMsMax = 10_000;

interface UsageArchiveOptions {
  readonly records: Pick<KeptRecords, "read" | "write">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Owned by `UsageReports`. */
export class UsageArchive {
  readonly #options: UsageArchiveOptions;
  /** Nothing is written over what was never read. */
  #isRead = false;

  constructor(options: UsageArchiveOptions) {
    this.#options = options;
  }

  /** Whether it is known what the last process has left. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** @returns what the last process has left; null where there is nothing that can be used. Never rejects */
  async find(signal: AbortSignal): Promise<KeptUsage | null> {
    const { clock, logger, records } = this.#options;
    // What another process reports must not be reported again.
    const reading = records.read(usageName, false);
    if (!(await settlesWithin(reading, findMsMax, clock, signal))) return null;
    const bytes = await reading;
    if (bytes === undefined) return null;
    this.#isRead = true;
    if (bytes === null) return null;
    const text = decodeChecked(bytes);
    const kept = text === null ? null : (keptUsage.safeParse(JSON.parse(text)).data ?? null);
    if (kept === null) logger.warn({}, "Usage that was kept on disk is damaged, and is not reported");
    return kept;
  }

  /**
   * Resolves once it is on disk, or cannot be, however long that takes. To be called after `find`. Never
   * rejects.
   * @param usage all there is; what was kept before is replaced
   * @returns whether it is on disk
   */
  async keep(usage: KeptUsage): Promise<boolean> {
    if (!this.#isRead) return false;
    const isEmpty = usage.batches.length === 0 && usage.rows.length === 0;
    const bytes = isEmpty ? null : encodeChecked(JSON.stringify(usage));
    return await this.#options.records.write(usageName, bytes);
  }
}
