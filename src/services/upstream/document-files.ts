/**
 * Documents in files, in place of an upstream: for a proxy that works offline. A file is read again when it
 * has changed. Whether what is in it is a document is the reader's question.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { UpstreamError } from "../../models/errors.ts";
import type { EnvironmentSettings } from "../../models/settings.ts";
import { BlockCollector } from "../documents/page-blocks.ts";
import { fileStateOf } from "../file-state.ts";
import type { DocumentRequest, UpstreamAnswer } from "./upstream-client.ts";

export class DocumentFiles {
  /** By server key. */
  #paths: ReadonlyMap<string, string> = new Map();
  readonly #bytesMax: number;
  /** By server key: the state of its file when that was read last. */
  readonly #readStates = new Map<string, string>();

  /** @param bytesMax larger files are not read */
  constructor(environments: readonly EnvironmentSettings[], bytesMax: number) {
    this.#bytesMax = bytesMax;
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
      await using file = await open(path);
      const stats = await file.stat({ bigint: true });
      const state = fileStateOf(stats);
      if (ifModifiedSince !== null && this.#readStates.get(serverKey) === state) {
        return { kind: "not-modified" };
      }
      if (stats.size > this.#bytesMax)
        throw new UpstreamError("too_large", `The file has ${stats.size} bytes`);
      const blocks = new BlockCollector();
      const digest = createHash("sha256");
      // In chunks, so that a large one holds nobody up.
      for await (const chunk of file.createReadStream({ signal }) as AsyncIterable<Buffer>) {
        digest.update(chunk);
        blocks.add(chunk);
      }
      this.#readStates.set(serverKey, state);
      return {
        kind: "document",
        pages: [blocks.finish()],
        digest: digest.digest("hex"),
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
}
