/**
 * Has one document read by a process of its own (`document-process.ts`), at the lowest priority: sends the
 * pages, receives the packed document. The process ends with the document, however that goes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants, setPriority } from "node:os";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { getHeapStatistics } from "node:v8";
import { UpstreamError } from "../../models/errors.ts";
import type { PackedDocument } from "../../models/packed-document.ts";
import type { ReadAnswer, ReadOrder } from "./document-process.ts";
import { PackedAssembly } from "./packed-layout.ts";
import type { PageBlocks } from "./page-blocks.ts";

/** 50 MiB take two seconds of a core that has nothing better to do. */
const readLimitMs = 120_000;

/**
 * @param pages of one document, in order; their blocks are emptied
 * @param knownDigest of the document that is held, if any
 * @param limitMs how long the process may take
 * @returns null where the document is the one that is held
 * @throws UpstreamError as `readDocument` does, and `too_large` where memory or time did not suffice
 */
export async function readInProcess(
  pages: readonly PageBlocks[],
  knownDigest: string | null,
  limitMs: number = readLimitMs,
): Promise<PackedDocument | null> {
  const pageBytes = pages.map((blocks) => blocks.reduce((total, { byteLength }) => total + byteLength, 0));
  const child = startProcess({ pageBytes, knownDigest }, limitMs);
  const source = child.stdio[3] as Readable;
  const [answer, end] = await Promise.allSettled([
    receive(source),
    once(child, "close"),
    send(pages.flat(), child.stdin as Writable),
  ]);
  // It could not be started.
  if (end.status === "rejected") throw end.reason;
  if (answer.status === "rejected") throw answer.reason;
  if (answer.value === undefined) throw earlyEnd(child);
  return answer.value;
}

/** It may use as much memory as this process. NOTE: what is preloaded may write to standard output. */
function startProcess(order: ReadOrder, limitMs: number): ChildProcess {
  const file = new URL(
    `./document-process.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
    import.meta.url,
  );
  const heapMib = Math.ceil(getHeapStatistics().heap_size_limit / 1_048_576);
  const words = [`--max-old-space-size=${heapMib}`, fileURLToPath(file), JSON.stringify(order)];
  const child = spawn(process.execPath, words, {
    stdio: ["pipe", "ignore", "ignore", "pipe"],
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  if (child.pid !== undefined) {
    try {
      // Before it has threads, so that all of them get it: requests come first.
      setPriority(child.pid, constants.priority.PRIORITY_LOW);
    } catch {
      // It ended already.
    }
  }
  return child;
}

/** Each block is emptied once it is on its way; where the process has ended, that is seen elsewhere. */
async function send(blocks: PageBlocks, stdin: Writable): Promise<void> {
  stdin.on("error", () => undefined);
  for (const block of blocks) {
    await new Promise<void>((resolve) => stdin.write(block, () => resolve()));
    release(block);
  }
  stdin.end();
}

/**
 * @returns undefined where the process ended before it had said all
 * @throws what became of the document, where it is refused
 */
async function receive(source: Readable): Promise<PackedDocument | null | undefined> {
  const decoder = new TextDecoder();
  let line = "";
  let assembly: PackedAssembly | undefined;
  for await (const chunk of source as AsyncIterable<Uint8Array<ArrayBuffer>>) {
    let lineEnd = 0;
    if (assembly === undefined) {
      lineEnd = chunk.indexOf(0x0a) + 1;
      line += decoder.decode(lineEnd === 0 ? chunk : chunk.subarray(0, lineEnd), { stream: true });
      if (lineEnd === 0) continue;
      const layout = layoutOf(JSON.parse(line) as ReadAnswer);
      if (layout === null) return null;
      assembly = new PackedAssembly(layout);
    }
    assembly.add(chunk.subarray(lineEnd));
    release(chunk);
  }
  return assembly?.finish() ?? undefined;
}

function layoutOf(answer: ReadAnswer) {
  if ("fault" in answer) throw new UpstreamError(answer.fault.code, answer.fault.message);
  if ("bug" in answer) throw new Error("the process of a document failed", { cause: answer.bug });
  return answer.layout;
}

/** Gives memory back at once that nobody else holds: the collector would leave it for some documents more. */
function release({ buffer }: Uint8Array<ArrayBuffer>): void {
  buffer.transfer(0);
}

function earlyEnd({ killed, exitCode, signalCode }: ChildProcess): Error {
  if (killed) return new UpstreamError("too_large", "It took too long to read the document");
  // Node's own end where the heap is full; the system's where all memory is.
  if (exitCode === 134 || signalCode === "SIGABRT" || signalCode === "SIGKILL") {
    return new UpstreamError("too_large", "The document needs more memory than this process may use");
  }
  return new Error(`the process of a document ended with ${signalCode ?? exitCode}`);
}
