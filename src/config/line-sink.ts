/**
 * Writes log lines to a file descriptor. It must not throw, wait for a slow reader while lines are gathered,
 * or keep more than a million characters.
 *
 * NOTE: it stands in place of pino's own destination. sonic-boom 4.2.1, on which that one rests, never
 * returns from `flushSync`, which pino calls for each fatal line, once the reader is gone or the disk is
 * full.
 */
import { write } from "node:fs";

const gatheredCharacters = 4096;
const gatheredMs = 500;
const pendingCharactersMax = 1_048_576;
const fullPipeRetryMs = 10;

/**
 * Lines of one descriptor, in order. What cannot be written is dropped: the service goes on without a log,
 * and says so once it has one again.
 */
export class LineSink {
  readonly #descriptor: number;
  readonly #isGathering: boolean;
  readonly #onDropped: (lines: number) => void;
  /** What is left of a chunk that was written in part. */
  #left = Buffer.alloc(0);
  /** Lines since then; joining text is cheap, and it becomes bytes once a chunk. */
  #lines = "";
  /** Lines that had no room since that was last told. */
  #dropped = 0;
  #isWriting = false;
  #isEnding = false;
  /** Of the chunk that is written next. */
  #written = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param descriptor 1 is standard output
   * @param isGathering false: each line is handed to the kernel at once. True: lines are gathered to 4,096
   *   characters or 500 ms. Either way a thread of the pool writes, so that a slow reader holds nobody up
   * @param onDropped told once there is room again how many lines had none; it may write
   */
  constructor(descriptor: number, isGathering: boolean, onDropped: (lines: number) => void) {
    this.#descriptor = descriptor;
    this.#isGathering = isGathering;
    this.#onDropped = onDropped;
  }

  /** Takes a line, its line break included. */
  write(line: string): void {
    if (this.#lines.length > pendingCharactersMax) {
      this.#dropped += 1;
      return;
    }
    this.#lines += line;
    if (this.#isDue) this.#startWriting();
    else this.#startWritingLater();
  }

  /**
   * From now on nothing is gathered. Resolves once all that it has taken is written, or was dropped: never,
   * where nobody reads a full pipe. Then a thread of the pool waits in the kernel, and the process with it,
   * however it is told to exit.
   */
  async flush(): Promise<void> {
    this.#isEnding = true;
    this.#startWriting();
    while (this.#isWriting || this.#left.length + this.#lines.length > 0) {
      await this.#written.promise;
      this.#startWriting();
    }
  }

  /** Whether a thread of the pool has a chunk in hand. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  #takePending(): Buffer<ArrayBuffer> {
    const chunk = Buffer.concat([this.#left, Buffer.from(this.#lines)]);
    this.#left = Buffer.alloc(0);
    this.#lines = "";
    return chunk;
  }

  get #isDue(): boolean {
    return !this.#isGathering || this.#isEnding || this.#lines.length >= gatheredCharacters;
  }

  #startWritingLater(): void {
    this.#timer ??= setTimeout(() => this.#startWriting(), gatheredMs).unref();
  }

  #startWriting(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isWriting) return;
    const chunk = this.#takePending();
    if (chunk.length === 0) return;
    this.#isWriting = true;
    write(this.#descriptor, chunk, (error, bytes) => {
      this.#isWriting = false;
      if (error === null) this.#left = chunk.subarray(bytes);
      else if (isFullPipe(error)) this.#left = chunk;
      if (error === null) this.#tellDropped();
      if (this.#isEnding) this.#tellWritten(error === null ? 0 : fullPipeRetryMs);
      else if (error === null && this.#isDue) this.#startWriting();
      else if (this.#left.length + this.#lines.length > 0) this.#startWritingLater();
    });
  }

  #tellWritten(inMs: number): void {
    const { resolve } = this.#written;
    this.#written = Promise.withResolvers();
    setTimeout(resolve, inMs);
  }

  #tellDropped(): void {
    const lines = this.#dropped;
    if (lines === 0 || this.#lines.length > pendingCharactersMax) return;
    this.#dropped = 0;
    this.#onDropped(lines);
  }
}

function isFullPipe(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EAGAIN";
}
