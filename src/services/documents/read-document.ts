/**
 * Reads one document: its pages are merged, checked, packed and compressed. It costs much, and for a large
 * document happens in a process of its own.
 */
import { encodeContent } from "../../cache/prepared-response.ts";
import type { PackedDocument } from "../../models/packed-document.ts";
import { joinPages, packDocument } from "./pack-document.ts";

/**
 * @param pages as they came, in order, at least one
 * @throws UpstreamError `not_json`, `document_invalid`: the same pages would be refused again
 */
export async function readDocument(pages: readonly Uint8Array<ArrayBuffer>[]): Promise<PackedDocument> {
  const packed = packDocument(joinPages(pages));
  const { compressed } = await encodeContent(packed.body);
  return { ...packed, compressed };
}
