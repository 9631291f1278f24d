/**
 * Has one document read by a process of its own (`reader-program.ts`), at a lower priority: sends the pages,
 * receives the packed document. The process ends with the document, however that goes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { setPriority } from "node:os";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { getHeapStatistics } from "node:v8";
import { UpstreamError } from "../../models/errors.ts";
import type { PackedDocument } from "../../models/packed-document.ts";
import { PackedAssembly, type PackedLayout } from "./packed-layout.ts";
import type { PageBlocks } from "./page-blocks.ts";
import { endFailure, LastWords, otherProgram, startFailure } from "./reader-failures.ts";
import { answerStream, buildIdentity, type ReadAnswer, type ReadOrder } from "./reader-protocol.ts";

/**
 * Requests come first, but not alone: on a core that is busy with them, 440 ms of reading took 28 s at the
 * lowest priority (19), and 4 s at this one (decision 0016).
 */
export const readerPriority = 10;

const limitBaseMs = 30_000;
const limitMsPerMib = 10_000;
const mib = 1_048_576;

/** A MiB takes 60 to 130 ms of a core that is free; a busy one gives a tenth of itself, or less. */
function readLimitMs(bytes: number): number {
  return Math.ceil(limitBaseMs + limitMsPerMib * (bytes / mib));
}

/**
 * @param pages of one document, in order; their blocks are emptied
 * @param signal ends the process at once; it then rejects with the signal's reason
 * @param limitMs how long the process may take; it grows with the document unless given
 * @throws UpstreamError as `readDocument` does; `too_large` where the heap did not suffice; `reader_failed`
 *   where the process could not be started, was killed, or took too long. Any other Error is a bug
 */
export async function readInProcess(
  pages: readonly PageBlocks[],
  signal: AbortSignal,
  limitMs?: number,
): Promise<PackedDocument> {
  signal.throwIfAborted();
  const pageBytes = pages.map((blocks) => blocks.reduce((total, { byteLength }) => total + byteLength, 0));
  const bytes = pageBytes.reduce((total, each) => total + each, 0);
  const timeoutMs = limitMs ?? readLimitMs(bytes);
  const child = startProgram(timeoutMs);
  // Heard at once and to the end: an error that nobody hears ends the proxy.
  const ended = new Promise<Error | null>((resolve) => {
    child.on("error", resolve);
    child.once("close", () => resolve(null));
  });
  // NOTE: where descriptors ran out it has no streams either.
  if (child.pid === undefined) throw startFailure(await ended);
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  try {
    lowerPriority(child.pid);
    const lastWords = new LastWords(child.stderr as Readable);
    const [answer] = await Promise.allSettled([
      receive(child.stdio[answerStream] as Readable),
      ended,
      send({ build: buildIdentity, pageBytes }, pages.flat(), child.stdin as Writable),
    ]);
    signal.throwIfAborted();
    if (answer.status === "rejected") throw answer.reason;
    if (answer.value === undefined) throw endFailure(child, programFile(), timeoutMs, lastWords.text());
    return answer.value;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

function programFile(): string {
  const name = `./reader-program.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`;
  return fileURLToPath(new URL(name, import.meta.url));
}

/** It may use as much memory as this process. NOTE: what is preloaded may write to standard output. */
function startProgram(timeoutMs: number): ChildProcess {
  const heapMib = Math.ceil(getHeapStatistics().heap_size_limit / mib);
  return spawn(process.execPath, [`--max-old-space-size=${heapMib}`, programFile()], {
    stdio: ["pipe", "ignore", "pipe", "pipe"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
}

/** To be called before it has threads, so that all of them get it. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, readerPriority);
  } catch {
    // It ended already.
  }
}

/** Each block is emptied once it is on its way; where the process has ended, that is seen elsewhere. */
async function send(order: ReadOrder, blocks: PageBlocks, stdin: Writable): Promise<void> {
  stdin.on("error", () => undefined);
  stdin.write(`${JSON.stringify(order)}\n`);
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
async function receive(source: Readable): Promise<PackedDocument | undefined> {
  const decoder = new TextDecoder();
  let line = "";
  let assembly: PackedAssembly | undefined;
  for await (const chunk of source as AsyncIterable<Uint8Array<ArrayBuffer>>) {
    let lineEnd = 0;
    if (assembly === undefined) {
      lineEnd = chunk.indexOf(0x0a) + 1;
      line += decoder.decode(lineEnd === 0 ? chunk : chunk.subarray(0, lineEnd), { stream: true });
      if (lineEnd === 0) continue;
      assembly = new PackedAssembly(layoutOf(JSON.parse(line) as ReadAnswer));
    }
    assembly.add(chunk.subarray(lineEnd));
    release(chunk);
  }
  return assembly?.finish() ?? undefined;
}

function layoutOf(answer: ReadAnswer): PackedLayout {
  if ("layout" in answer) return answer.layout;
  if ("fault" in answer) throw new UpstreamError(answer.fault.code, answer.fault.message);
  if ("otherBuild" in answer) throw otherProgram();
  const cause = new Error("in the process that read it");
  cause.stack = answer.bug;
  throw new Error("a document could not be read", { cause });
}

/** Gives memory back at once that nobody else holds: the collector would leave it for some documents more. */
function release({ buffer }: Uint8Array<ArrayBuffer>): void {
  buffer.transfer(0);
}
