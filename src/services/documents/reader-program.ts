/**
 * The program that reads one large document: an order and the pages come on standard input, and the packed
 * document leaves on a descriptor of its own. It ends with the document, and all its memory with it. It reads
 * and writes without waiting for anything else, since nothing else happens here.
 */
import { readSync, writeFileSync, writeSync } from "node:fs";
import { UpstreamError } from "../../models/errors.ts";
import { packedBuffers, packedLayout } from "./packed-layout.ts";
import { readDocument } from "./read-document.ts";
import { answerStream, buildIdentity, type ReadAnswer, type ReadOrder } from "./reader-protocol.ts";

const chunkBytes = 65_536;

/** Standard input, which ends early where the proxy is gone: then there is nobody to read for. */
class OrderedInput {
  #unread = new Uint8Array(0);

  /** @returns the text before the next line's end */
  line(): string {
    for (;;) {
      const end = this.#unread.indexOf(0x0a);
      if (end >= 0) return Buffer.from(this.#take(end + 1)).toString("utf8", 0, end);
      const chunk = new Uint8Array(chunkBytes);
      const count = readSome(chunk);
      this.#unread = new Uint8Array(Buffer.concat([this.#unread, chunk.subarray(0, count)]));
    }
  }

  page(bytes: number): Uint8Array<ArrayBuffer> {
    const page = new Uint8Array(bytes);
    const taken = this.#take(bytes);
    page.set(taken);
    for (let at = taken.byteLength; at < bytes; ) at += readSome(page.subarray(at));
    return page;
  }

  /** @returns so many of the bytes that were read already, or all of them */
  #take(bytes: number): Uint8Array {
    const taken = this.#unread.subarray(0, bytes);
    this.#unread = this.#unread.subarray(bytes);
    return taken;
  }
}

function readSome(into: Uint8Array): number {
  const count = readSync(0, into, 0, into.byteLength, null);
  if (count === 0) throw new Error("the input ends early");
  return count;
}

async function read(input: OrderedInput): Promise<void> {
  const { build, pageBytes } = JSON.parse(input.line()) as ReadOrder;
  if (build !== buildIdentity) {
    say({ otherBuild: buildIdentity });
    return;
  }
  const packed = await readDocument(pageBytes.map((bytes) => input.page(bytes)));
  say({ layout: packedLayout(packed) });
  for (const { buffer, byteOffset, byteLength } of packedBuffers(packed)) {
    writeAll(new Uint8Array(buffer, byteOffset, byteLength));
  }
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

// Ctrl-C reaches all processes of a terminal, and systemd's SIGTERM all of a service; the proxy ends this one
// when nobody waits for it any more.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
offerMemory();
await read(new OrderedInput()).catch((error: unknown) => {
  if (error instanceof UpstreamError) say({ fault: { code: error.code, message: error.message } });
  else say({ bug: String(error instanceof Error ? error.stack : error) });
});
