/**
 * Reads an answer's body: inflates one layer, counts what comes out. It must never hold more than its limit
 * and one block, however small the answer is on the wire.
 */
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { UpstreamError } from "../../models/errors.ts";
import { BlockCollector, type PageBlocks } from "../documents/page-blocks.ts";
import type { ContentEncoding } from "./upstream-headers.ts";

/** A body, and how many bytes it has after inflation. */
export interface Body {
  readonly blocks: PageBlocks;
  readonly bytes: number;
  /** SHA-256 of the bytes, in hex. Taken chunk by chunk, as they come: 50 MiB at once take 30 ms. */
  readonly digest: string;
}

const inflaters = {
  gzip: createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
} as const;

/**
 * @param body the bytes from the wire; destroyed where reading fails
 * @param bytesMax the most bytes after inflation; a bomb is cut off there (reliability 2.5: one of 200 MB
 *   stops within milliseconds)
 * @throws UpstreamError `too_large`; what the wire or zlib throws
 */
export async function readBody(body: Readable, encoding: ContentEncoding, bytesMax: number): Promise<Body> {
  const blocks = new BlockCollector();
  const digest = createHash("sha256");
  let bytes = 0;
  const collect = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of source) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) {
        throw new UpstreamError(
          "too_large",
          `The document is larger than the limit of ${bytesMax} bytes left`,
        );
      }
      blocks.add(chunk);
      digest.update(chunk);
    }
  };
  await (encoding === "identity" ? pipeline(body, collect) : pipeline(body, inflaters[encoding](), collect));
  return { blocks: blocks.finish(), bytes, digest: digest.digest("hex") };
}
