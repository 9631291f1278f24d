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
import type { Answer } from "./undici-parts.ts";
import type { ContentEncoding } from "./upstream-headers.ts";

/** A body that was read to its end. */
export interface Body {
  readonly blocks: PageBlocks;
  /** How many there are after inflation. */
  readonly bytes: number;
  /** SHA-256 of the bytes, in hex. Taken chunk by chunk, as they come: 50 MiB at once take 30 ms. */
  readonly digest: string;
}

/** Up to so many bytes of it a body that nobody needs is read to its end. */
const dumpBytesMax = 65_536;

const inflaters = {
  gzip: createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
} as const;

/**
 * Reads a body that nobody needs, so that its connection can be used again; a long one costs its connection.
 * @throws what the wire throws
 */
export async function dumpBody(body: Answer["body"]): Promise<void> {
  await body.dump({ limit: dumpBytesMax });
}

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
        const limit = `the limit of ${bytesMax} bytes left`;
        throw new UpstreamError("too_large", `The document is larger than ${limit}`);
      }
      blocks.add(chunk);
      digest.update(chunk);
    }
  };
  await (encoding === "identity" ? pipeline(body, collect) : pipeline(body, inflaters[encoding](), collect));
  return { blocks: blocks.finish(), bytes, digest: digest.digest("hex") };
}
