/**
 * What became of a process that read a document and ended without an answer, in words for the operator: what
 * is known of it, and advice only where it follows from that. It must not quote a document.
 */
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { getHeapStatistics } from "node:v8";
import { UpstreamError } from "../../models/errors.ts";

const lastWordsBytes = 2048;

/** The end of what a process writes to standard error. */
export class LastWords {
  #bytes = Buffer.alloc(0);

  constructor(stderr: Readable) {
    stderr.on("error", () => undefined);
    stderr.on("data", (chunk: Buffer) => {
      // A copy: a part of the chunk would keep all of it.
      this.#bytes = Buffer.from(Buffer.concat([this.#bytes, chunk]).subarray(-lastWordsBytes));
    });
  }

  text(): string {
    return this.#bytes.toString("utf8").trim();
  }
}

/** By the system's code for why a process does not start. */
const startAdvice: Readonly<Record<string, string>> = {
  EMFILE: ": this process has as many files open as it may; raise its limit (ulimit -n)",
  ENFILE: ": the whole system has as many files open as it may; raise its limit (fs.file-max)",
  EAGAIN: ": there are as many processes as there may be; raise the limit (ulimit -u, or the container's)",
  ENOMEM: ": there is no memory for it; give this host or container more",
  ENOENT: ": Node's program file is not where it was; restart the proxy",
};

/** @param error of `spawn`; null where it gave none */
export function startFailure(error: Error | null): UpstreamError {
  const code = error !== null && "code" in error ? String(error.code) : "unknown";
  const advice = startAdvice[code] ?? "";
  return failure(`The process that reads large documents could not be started (${code})${advice}`, error);
}

/** The program's files were replaced while the proxy ran. */
export function otherProgram(): UpstreamError {
  return failure("The program that reads large documents is of another build: restart the proxy");
}

/**
 * @param child that ended without an answer
 * @param programFile what it ran
 * @param timeoutMs after which it was killed
 * @param lastWords the end of its standard error
 */
export function endFailure(
  { killed, exitCode, signalCode }: Pick<ChildProcess, "killed" | "exitCode" | "signalCode">,
  programFile: string,
  timeoutMs: number,
  lastWords: string,
): UpstreamError {
  const cause = lastWords === "" ? null : spoken(lastWords);
  const it = "The process that reads large documents";
  if (killed && signalCode === "SIGKILL") {
    return failure(`${it} did not end within ${Math.round(timeoutMs / 1000)} s`, cause);
  }
  if (isFullHeap(exitCode, signalCode, lastWords)) return fullHeap(cause);
  if (signalCode === "SIGKILL") {
    return failure(`${it} was killed (SIGKILL); the system does so where memory runs out`, cause);
  }
  if (signalCode !== null) return failure(`${it} was ended by ${signalCode}`, cause);
  if (!existsSync(programFile)) {
    return failure("The program that reads large documents is not where it was: restart the proxy", cause);
  }
  return failure(`${it} ended early with exit code ${exitCode}`, cause);
}

/** Node ends by SIGABRT then; where there are no signals, or a wrapper tells of it, by 128 and its number. */
function isFullHeap(exitCode: number | null, signalCode: string | null, lastWords: string): boolean {
  return (signalCode === "SIGABRT" || exitCode === 134) && lastWords.includes("out of memory");
}

function fullHeap(cause: Error | null): UpstreamError {
  const heapMib = Math.ceil(getHeapStatistics().heap_size_limit / 1_048_576);
  const message = `To read the document takes more than the ${heapMib} MiB of heap that a process may have`;
  return new UpstreamError("too_large", message, { cause });
}

function failure(message: string, cause: Error | null = null): UpstreamError {
  return new UpstreamError("reader_failed", message, { cause });
}

/** What a process said, as the cause that logs show. */
function spoken(text: string): Error {
  const error = new Error(
    "standard error of the process ended with the text that stands in place of a stack",
  );
  error.stack = text;
  return error;
}
