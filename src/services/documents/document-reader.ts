/**
 * Turns fetched pages into a packed document: a small one here, a large one in a process of its own, so that
 * it never holds up requests and leaves no memory behind. One large document at a time.
 */
import { bulkhead } from "cockatiel";
import type { PackedDocument } from "../../models/packed-document.ts";
import { joinBlocks, type PageBlocks } from "./page-blocks.ts";
import { readDocument } from "./read-document.ts";
import { readInProcess } from "./reading-process.ts";

/** To pack so many bytes takes some milliseconds; to start a process takes a hundred. */
const inlineBytesMax = 262_144;

export class DocumentReader {
  /** Each large document needs several times its size while it is read. */
  readonly #processes = bulkhead(1, Number.POSITIVE_INFINITY);

  /**
   * @param pages of one document, in order; the blocks of a large one are emptied
   * @param knownDigest of the document that is held, if any
   * @returns null where the document is the one that is held
   * @throws UpstreamError `not_json`, `document_invalid`, or `too_large` where memory does not suffice
   */
  async read(pages: readonly PageBlocks[], knownDigest: string | null): Promise<PackedDocument | null> {
    const bytes = pages.flat().reduce((total, block) => total + block.byteLength, 0);
    if (bytes <= inlineBytesMax) return await readDocument(pages.map(joinBlocks), knownDigest);
    return await this.#processes.execute(() => readInProcess(pages, knownDigest));
  }
}
