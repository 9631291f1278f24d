/**
 * The thread in which one large document is packed. It ends with it, and its memory goes with it.
 */
import { constants, setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { UpstreamError, type UpstreamErrorCode } from "../../models/errors.ts";
import type { PackedDocument } from "../../models/packed-document.ts";
import { joinPages, packDocument } from "./pack-document.ts";
import { joinBlocks, type PageBlocks } from "./page-blocks.ts";

export interface PackOrder {
  readonly pages: readonly PageBlocks[];
  readonly knownDigest: string | null;
}

/** What the thread answers; an error that is no `UpstreamError` ends the thread instead. */
export type PackAnswer =
  | { readonly packed: PackedDocument | null }
  | { readonly fault: { readonly code: UpstreamErrorCode; readonly message: string } };

function answer({ pages, knownDigest }: PackOrder): PackAnswer {
  try {
    return { packed: packDocument(joinPages(pages.map(joinBlocks)), knownDigest) };
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    return { fault: { code: error.code, message: error.message } };
  }
}

// On Linux this is the thread's own: requests come first where both share a core.
if (process.platform === "linux") setPriority(constants.priority.PRIORITY_LOW);
const result = answer(workerData as PackOrder);
const packed = "packed" in result ? result.packed : null;
// Given away, not copied; one buffer may be a view of a larger one, which is given away once.
const buffers = packed === null ? [] : buffersOf(packed);
parentPort?.postMessage(result, [...new Set(buffers)]);

function buffersOf({ body, shell, featureStates, segments, overrides }: PackedDocument): ArrayBuffer[] {
  const views = [body, shell, ...featureStates, ...segments, ...Object.values(overrides)];
  return views.map(({ buffer }) => buffer);
}
