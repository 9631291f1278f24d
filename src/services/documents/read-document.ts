/**
 * Reads one document: its pages are merged, checked, packed and compressed. It costs much, and for a large
 * document happens in a process of its own.
 */
import { encodeContent } from "../../cache/prepared-response.ts";
import type { PackedDocument } from "../../models/packed-document.ts";
import { joinPages, packDocument } from "./pack-document.ts";

/**
 * @param pages as they came, in order, at least one
 * @param knownDigest of the document that is held, if any
 * @returns null where the document is the one that is held
 * @throws UpstreamError `not_json`, `document_invalid`
 */
export async function readDocument(
  pages: readonly Uint8Array<ArrayBuffer>[],
  knownDigest: string | null,
): Promise<PackedDocument | null> {
  const packed = packDocument(joinPages(pages), knownDigest);
  if (packed === null) return null;
  const { compressed } = await encodeContent(packed.body);
  return { ...packed, compressed };
}
