/**
 * The last list of discovered environments on disk, so that a start without the upstream serves what was
 * served. It holds server keys, and is sealed with the proxy key, which is not on that disk. Nothing waits
 * for it.
 */
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import { settlesWithin } from "../time-limit.ts";
import { decodeChecked, encodeChecked } from "./checked-text.ts";
import type { KeptRecords } from "./kept-records.ts";
import { openSealed, sealText } from "./sealed-text.ts";

const listName = "@discovered";
const confirmedName = "@discovered-confirmed";
/** How old the note may be that the list was confirmed; it is written no more often. */
const confirmedEveryMs = 60_000;
/** So long a start waits for the disk, and an end. */
const findMsMax = 10_000;
const lastWritesMsMax = 5000;

interface DiscoveredArchiveOptions {
  readonly records: Pick<KeptRecords, "read" | "write" | "settled">;
  /** Opens what it has sealed, and nothing else does. */
  readonly proxyKey: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A list as it was kept. */
export interface FoundList {
  /** To be checked as if the upstream had sent it. */
  readonly list: unknown;
  /** When the upstream last said that this is its list. */
  readonly confirmedAt: Date;
}

/** Owned by `EnvironmentDiscovery`: read at its start, written from then on. */
export class DiscoveredArchive {
  readonly #options: DiscoveredArchiveOptions;
  #confirmedMs = Number.NEGATIVE_INFINITY;
  #isKept = false;

  constructor(options: DiscoveredArchiveOptions) {
    this.#options = options;
  }

  /**
   * Never rejects.
   * @param signal ends the wait
   * @returns null where there is none, or it cannot be used
   */
  async find(signal: AbortSignal): Promise<FoundList | null> {
    const { clock, logger, records } = this.#options;
    const reading = Promise.all([records.read(listName), records.read(confirmedName)]);
    if (!(await settlesWithin(reading, findMsMax, clock, signal))) return null;
    const [sealed, confirmed] = await reading;
    if (sealed === null || sealed === undefined) return null;
    const text = openSealed(sealed, this.#options.proxyKey);
    if (text === null) {
      logger.warn(
        {},
        "The archived list of environments is not used: it is damaged, or was kept with another proxy_key",
      );
      return null;
    }
    const { keptAtMs, list } = JSON.parse(text) as { keptAtMs: number; list: unknown };
    const notedMs = Number(decodeChecked(confirmed ?? new Uint8Array()) ?? 0);
    return { list, confirmedAt: new Date(Math.max(keptAtMs, notedMs)) };
  }

  /** Has a list written that came just now. */
  keep(list: unknown): void {
    const { clock, proxyKey, records } = this.#options;
    this.#confirmedMs = clock.monotonicMs();
    const text = JSON.stringify({ keptAtMs: clock.wallTime().getTime(), list });
    this.#isKept = false;
    void records.write(listName, sealText(text, proxyKey)).then((isKept) => {
      this.#isKept = isKept;
    });
  }

  /** Notes that the list is still the upstream's; one that could not be written is written again. */
  confirm(list: unknown): void {
    const { clock, records } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#confirmedMs < confirmedEveryMs) return;
    if (!this.#isKept) {
      this.keep(list);
      return;
    }
    this.#confirmedMs = nowMs;
    void records.write(confirmedName, encodeChecked(String(clock.wallTime().getTime())));
  }

  /** Resolves when nothing waits to be written, or the disk takes too long. */
  async settled(): Promise<void> {
    const { clock, records } = this.#options;
    await settlesWithin(records.settled(), lastWritesMsMax, clock);
  }
}
