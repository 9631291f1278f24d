/**
 * Documents in files, in place of an upstream: for a proxy that works offline. A file is read again when it
 * has changed. Whether what is in it is a document is the reader's question.
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { UpstreamError } from "../../models/errors.ts";
import type { EnvironmentSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import { BlockCollector, type PageBlocks } from "../documents/page-blocks.ts";
import { fileStateOf } from "../file-state.ts";
import { filePieces, openFile } from "./file-pieces.ts";
import { fileAction } from "./next-actions.ts";
import type { DocumentRequest, UpstreamAnswer } from "./upstream-client.ts";

export class DocumentFiles {
  /** By server key. */
  #paths: ReadonlyMap<string, string> = new Map();
  readonly #bytesMax: number;
  readonly #clock: Pick<Clock, "monotonicMs" | "sleep">;
  /** By server key: the state of its file when that was read last. */
  readonly #readStates = new Map<string, string>();

  /** What the operator does about a file that cannot be used. */
  readonly nextAction = fileAction;

  /** @param bytesMax of larger files no more is read */
  constructor(
    environments: readonly EnvironmentSettings[],
    bytesMax: number,
    clock: Pick<Clock, "monotonicMs" | "sleep">,
  ) {
    this.#bytesMax = bytesMax;
    this.#clock = clock;
    this.setEnvironments(environments);
  }

  /** Their files are read from now on, and no others. */
  setEnvironments(environments: readonly EnvironmentSettings[]): void {
    this.#paths = new Map(
      environments.flatMap(({ serverSideKey, file }) => (file === null ? [] : [[serverSideKey, file]])),
    );
  }

  /** Whether there is a file for the environment with this key. */
  has(serverKey: string): boolean {
    return this.#paths.has(serverKey);
  }

  /**
   * Reads a file as `UpstreamClient` fetches a document; its date is when it was changed.
   * @throws UpstreamError `no_file`, `too_large`; the signal's reason where it aborted
   */
  async fetchDocument({ serverKey, ifModifiedSince, signal }: DocumentRequest): Promise<UpstreamAnswer> {
    signal?.throwIfAborted();
    const path = this.#paths.get(serverKey) ?? "";
    try {
      await using file = await openFile(path);
      const stats = await file.stat({ bigint: true });
      const state = fileStateOf(stats);
      if (ifModifiedSince !== null && this.#readStates.get(serverKey) === state) {
        return { kind: "not-modified" };
      }
      if (stats.size > this.#bytesMax) throw this.#tooLarge();
      const { blocks, digest } = await this.#read(file, signal ?? new AbortController().signal);
      this.#readStates.set(serverKey, state);
      return {
        kind: "document",
        pages: [blocks],
        digest,
        lastModified: stats.mtime.toUTCString(),
        recentlyChanged: false,
      };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof UpstreamError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new UpstreamError("no_file", `The environment's file cannot be read (${code ?? "unknown"})`);
    }
  }

  /** Its size is not believed: devices have none, and a file may grow. */
  async #read(file: FileHandle, signal: AbortSignal): Promise<{ blocks: PageBlocks; digest: string }> {
    const blocks = new BlockCollector();
    const digest = createHash("sha256");
    let bytes = 0;
    for await (const piece of filePieces(file, this.#clock, signal)) {
      bytes += piece.byteLength;
      if (bytes > this.#bytesMax) throw this.#tooLarge();
      digest.update(piece);
      blocks.add(piece);
    }
    return { blocks: blocks.finish(), digest: digest.digest("hex") };
  }

  #tooLarge(): UpstreamError {
    return new UpstreamError("too_large", `The environment's file has more than ${this.#bytesMax} bytes`);
  }
}
