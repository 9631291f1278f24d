/**
 * Turns fetched pages into a packed document: a small one at once, a large one in a thread of its own, so
 * that it never holds up requests. One large document at a time.
 */
import { Worker } from "node:worker_threads";
import { bulkhead } from "cockatiel";
import { UpstreamError } from "../../models/errors.ts";
import type { PackedDocument } from "../../models/packed-document.ts";
import type { PackAnswer, PackOrder } from "./document-thread.ts";
import { joinPages, packDocument } from "./pack-document.ts";
import { joinBlocks, type PageBlocks } from "./page-blocks.ts";

/** To pack so many bytes takes some milliseconds; to start a thread takes sixty. */
const inlineBytesMax = 262_144;

export class DocumentReader {
  /** Each large document needs several times its size while it is read. */
  readonly #threads = bulkhead(1, Number.POSITIVE_INFINITY);

  /**
   * @param pages of one document, in order; their blocks may be taken away by the thread
   * @param knownDigest of the document that is held, if any
   * @returns null where the document is the one that is held
   * @throws UpstreamError `not_json`, `document_invalid`, or `too_large` where memory does not suffice
   */
  async read(pages: readonly PageBlocks[], knownDigest: string | null): Promise<PackedDocument | null> {
    const bytes = pages.flat().reduce((total, block) => total + block.byteLength, 0);
    if (bytes <= inlineBytesMax) return packDocument(joinPages(pages.map(joinBlocks)), knownDigest);
    return await this.#threads.execute(() => readInThread({ pages, knownDigest }));
  }
}

async function readInThread(order: PackOrder): Promise<PackedDocument | null> {
  const answer = await new Promise<PackAnswer>((resolve, reject) => {
    const blocks = order.pages.flat().map(({ buffer }) => buffer);
    const thread = new Worker(threadModule(), { workerData: order, transferList: blocks, execArgv: [] });
    thread.once("message", resolve);
    thread.once("error", reject);
    // After a message this rejects in vain.
    thread.once("exit", (code) => reject(new Error(`the thread of a document ended with ${code}`)));
  }).catch((error: Error & { code?: string }) => {
    if (error.code !== "ERR_WORKER_OUT_OF_MEMORY") throw error;
    throw new UpstreamError("too_large", "The document needs more memory than this process may use");
  });
  if ("packed" in answer) return answer.packed;
  throw new UpstreamError(answer.fault.code, answer.fault.message);
}

/** Its source has this module's ending, before a build and after. */
function threadModule(): URL {
  return new URL(`./document-thread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
}
