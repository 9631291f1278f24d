/**
 * Reads an answer's body to text: inflates one layer, counts what comes out, checks the encoding. It must
 * never hold more than its limit and one chunk, however small the answer is on the wire.
 */
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { UpstreamError } from "../../models/errors.ts";
import type { ContentEncoding } from "./upstream-headers.ts";

/** The text of a body and how many bytes it had after inflation. */
export interface BodyText {
  readonly text: string;
  readonly bytes: number;
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
 * @throws UpstreamError `too_large`, or `not_json` where the bytes are not UTF-8; what the wire or zlib
 *   throws
 */
export async function readBodyText(
  body: Readable,
  encoding: ContentEncoding,
  bytesMax: number,
): Promise<BodyText> {
  const chunks: Uint8Array[] = [];
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
      chunks.push(chunk);
    }
  };
  await (encoding === "identity" ? pipeline(body, collect) : pipeline(body, inflaters[encoding](), collect));
  return { text: decodeUtf8(Buffer.concat(chunks, bytes)), bytes };
}

/** A byte order mark is dropped, as every JSON reader does. */
function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UpstreamError("not_json", "The upstream's answer is not UTF-8", { cause });
  }
}
