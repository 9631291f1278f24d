/**
 * The program that reads one large document: its pages come on standard input; on descriptor 3 it says in one
 * line of JSON what became of it, and writes its buffers. It ends with the document, and all its memory with
 * it. It reads and writes without waiting for anything else, since nothing else happens here.
 */
import { readSync, writeFileSync, writeSync } from "node:fs";
import { UpstreamError, type UpstreamErrorCode } from "../../models/errors.ts";
import { type PackedLayout, packedBuffers, packedLayout } from "./packed-layout.ts";
import { readDocument } from "./read-document.ts";

/** The program's only argument, as JSON. */
export interface ReadOrder {
  /** How many bytes each page has; they follow each other on standard input. */
  readonly pageBytes: readonly number[];
  readonly knownDigest: string | null;
}

/** What became of the document. Only after a layout come buffers, in its order. */
export type ReadAnswer =
  | { readonly layout: PackedLayout }
  /** It is the one that is held. */
  | { readonly layout: null }
  | { readonly fault: { readonly code: UpstreamErrorCode; readonly message: string } }
  /** The stack of an error that is no `UpstreamError`. */
  | { readonly bug: string };

const [pagesStream, answerStream] = [0, 3] as const;

async function read({ pageBytes, knownDigest }: ReadOrder): Promise<void> {
  const packed = await readDocument(pageBytes.map(readPage), knownDigest);
  say({ layout: packed === null ? null : packedLayout(packed) });
  for (const { buffer, byteOffset, byteLength } of packed === null ? [] : packedBuffers(packed)) {
    writeAll(new Uint8Array(buffer, byteOffset, byteLength));
  }
}

function readPage(bytes: number): Uint8Array<ArrayBuffer> {
  const page = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const count = readSync(pagesStream, page, at, bytes - at, null);
    if (count === 0) throw new Error("the pages end early");
    at += count;
  }
  return page;
}

function say(answer: ReadAnswer): void {
  writeAll(Buffer.from(`${JSON.stringify(answer)}\n`));
}

/** Waits while the pipe is full; throws, which ends the program, where nobody reads any more. */
function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(answerStream, bytes, at);
}

/** Where a container runs out of memory, this process is to be ended, not the one that serves. */
function offerMemory(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Not on Linux.
  }
}

// Ctrl-C reaches all processes of a terminal; this one ends when nobody waits for it any more.
process.on("SIGINT", () => undefined);
offerMemory();
await read(JSON.parse(process.argv[2] ?? "") as ReadOrder).catch((error: unknown) => {
  if (error instanceof UpstreamError) say({ fault: { code: error.code, message: error.message } });
  else say({ bug: String(error instanceof Error ? error.stack : error) });
});
