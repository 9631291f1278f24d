/**
 * Turns fetched pages into a packed document: a small one here, a large one in a process of its own, so that
 * it never holds up requests and leaves no memory behind. It does not know what a document means.
 */
import { bulkhead } from "cockatiel";
import type { PackedDocument } from "../../models/packed-document.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import { settlesWithin } from "../time-limit.ts";
import { joinBlocks, type PageBlocks } from "./page-blocks.ts";
import { readDocument } from "./read-document.ts";
import { readInProcess } from "./reader-process.ts";

/** To pack so many bytes takes some milliseconds; to start a process takes a hundred. */
const inlineBytesMax = 262_144;
/** 50 MiB take two seconds or three where a core is free. */
const longReadMs = 10_000;

/** A document that is to be read. */
export interface ReadRequest {
  /** Of one document, in order; the blocks of a large one are emptied. */
  readonly pages: readonly PageBlocks[];
  /** The environment as logs name it; holds no whole key. */
  readonly label: string;
  /** Ends the reading at once. */
  readonly signal: AbortSignal;
}

/** One for all environments, whose large documents take turns. */
export class DocumentReader {
  /**
   * Each large document needs several times its size while it is read. One that takes long gives its place to
   * the next, so that a process that hangs does not hold up the documents of other environments; how many are
   * read at once is then bound by how many refreshes run at once.
   */
  readonly #places = bulkhead(1, Number.POSITIVE_INFINITY);
  readonly #clock: Pick<Clock, "sleep">;
  readonly #logger: Logger;

  constructor({ clock, logger }: { readonly clock: Pick<Clock, "sleep">; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * @throws UpstreamError `not_json`, `document_invalid`: the same pages would be refused again; `too_large`,
   *   `reader_failed`: this host could not read them. The signal's reason where it aborted. Any other Error
   *   is a bug
   */
  async read(request: ReadRequest): Promise<PackedDocument> {
    const { pages, signal } = request;
    signal.throwIfAborted();
    const bytes = pages.flat().reduce((total, block) => total + block.byteLength, 0);
    if (bytes <= inlineBytesMax) return await readDocument(pages.map(joinBlocks));
    const { reading } = await this.#places.execute(() => this.#startReading(request, bytes));
    return await reading;
  }

  /** Resolves when the document is read or takes long; in both cases its place is free again. */
  async #startReading({ pages, label, signal }: ReadRequest, bytes: number) {
    const reading = readInProcess(pages, signal);
    const settled = reading.catch(() => undefined);
    if (!(await settlesWithin(settled, longReadMs, this.#clock))) {
      this.#logger.warn(
        { environment: label, bytes },
        `The document is still being read after ${longReadMs / 1000} s, in a process of its own. Look at ` +
          "the load of this host, and whether that process was stopped",
      );
    }
    // In an object, so that nobody waits for it here.
    return { reading };
  }
}
