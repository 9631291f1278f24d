/** Documents given as text, in the form in which the proxy handles them. It checks nothing itself. */
import type { PackedDocument } from "../../src/models/packed-document.ts";
import { joinPages, packDocument } from "../../src/services/documents/pack-document.ts";
import { joinBlocks } from "../../src/services/documents/page-blocks.ts";
import { readDocument } from "../../src/services/documents/read-document.ts";
import type {
  DocumentRequest,
  FetchedDocument,
  UpstreamClient,
} from "../../src/services/upstream/upstream-client.ts";

/** Without compressed forms. @throws UpstreamError where the text is no environment document */
export function packText(text: string): PackedDocument {
  return { ...packDocument(new Uint8Array(Buffer.from(text))), compressed: [] };
}

/** Reads as the control plane does. @throws UpstreamError where the text is no environment document */
export async function readText(text: string): Promise<PackedDocument> {
  return await readDocument([new Uint8Array(Buffer.from(text))]);
}

/** The text of a fetched document, all pages merged. */
export function fetchedText({ pages }: Pick<FetchedDocument, "pages">): string {
  return Buffer.from(joinPages(pages.map(joinBlocks))).toString();
}

/** Fetches as the control plane does: the document's text, all pages merged, and how many they were. */
export async function fetchText(client: UpstreamClient, request: DocumentRequest) {
  const answer = await client.fetchDocument(request);
  if (answer.kind === "not-modified") return answer;
  return { ...answer, text: fetchedText(answer), pages: answer.pages.length };
}
