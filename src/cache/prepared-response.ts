/**
 * Answers made ready when a snapshot is published: bytes, headers and validators of every representation,
 * so that a request only picks one (architecture, invariant 3). Nothing here looks at a request.
 */
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import type { CompressedBody, ContentEncoding } from "../models/packed-document.ts";

/** Headers by name, in lower case. */
export type HeaderRecord = Readonly<Record<string, string>>;

/** Headers with those of CORS, as the settings were when they were made (contract A8). */
export interface HeaderSet {
  /** For requests without an origin, for origins that are not allowed, and for all where any is allowed. */
  readonly plain: HeaderRecord;
  /** Whether any origin was allowed: they differ by that alone, not by which origins are. */
  readonly anyOrigin: boolean;
}

/** What is sent. */
export type Body = Uint8Array<ArrayBuffer> | string;

/** One form in which an answer can be sent. */
export interface Representation {
  /** Null: as it is. */
  readonly encoding: ContentEncoding | null;
  /** Strong, quoted. */
  readonly etag: string;
  readonly body: Body;
  readonly headers: HeaderSet;
  /** The headers of a 304 in place of this representation. */
  readonly notModifiedHeaders: HeaderSet;
}

/** An answer in all its forms. */
export interface PreparedResponse {
  readonly plain: Representation;
  /** The smallest first. */
  readonly compressed: readonly Representation[];
  /** Epoch milliseconds, whole seconds, where the answer has a `Last-Modified`. */
  readonly lastModifiedMs: number | null;
}

/** Turns one header record into a set for all origins; `prepareCors` makes it from the settings. */
export type HeaderSetFactory = (headers: HeaderRecord) => HeaderSet;

/** So long a text at most is written as it is, in one piece with its head. */
const textLengthMax = 4096;
/** Smaller bodies fit one packet: compressing them gains nothing. */
const compressibleBytesMin = 1024;

const compressors: ReadonlyMap<ContentEncoding, (body: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>> =
  new Map([
    ["gzip", (body) => promisify(zlib.gzip)(body, { level: 6 })],
    // Quality 5 is the last that costs about as much as gzip; 6 costs twice as much for 1 to 2 %.
    [
      "br",
      (body) =>
        promisify(zlib.brotliCompress)(body, {
          params: {
            [zlib.constants.BROTLI_PARAM_QUALITY]: 5,
            [zlib.constants.BROTLI_PARAM_SIZE_HINT]: body.byteLength,
          },
        }),
    ],
    ["zstd", (body) => promisify(zlib.zstdCompress)(body)],
  ] satisfies [ContentEncoding, (body: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>][]);

/** One content in all codings that are worth it; answers with the same content share it. */
export interface EncodedContent {
  readonly plain: Body;
  /** The smallest first, none of them larger than the plain one. */
  readonly compressed: readonly CompressedBody[];
}

/** What an answer is prepared of. */
export interface PreparationInput {
  readonly content: EncodedContent;
  /** All but content length, encoding and ETag. */
  readonly headers: HeaderRecord;
  /** Without quotes; each representation gets a suffix of its own, since strong ETags differ by bytes. */
  readonly etag: string;
  readonly lastModifiedMs?: number | null;
  readonly headerSet: HeaderSetFactory;
}

/**
 * The form in which a text is sent at the least cost. Node writes a text and its head at once, which was
 * measured a tenth to a fifth cheaper than bytes; for longer ones it needs another buffer each time.
 */
export function bodyOf(text: string): Body {
  return text.length > textLengthMax ? new TextEncoder().encode(text) : text;
}

/** Compresses a body where that gains something; it runs on the thread pool. */
export async function encodeContent(plain: Body): Promise<EncodedContent> {
  const bytes = typeof plain === "string" ? new TextEncoder().encode(plain) : plain;
  if (bytes.byteLength < compressibleBytesMin) return { plain, compressed: [] };
  const compressed = await Promise.all(
    [...compressors].map(async ([encoding, compress]) => {
      // A copy: zlib gives the beginning of a block of 16 KiB, which would be kept whole.
      return { encoding, body: new Uint8Array(await compress(bytes)) };
    }),
  );
  const smaller = compressed.filter(({ body }) => body.byteLength < bytes.byteLength);
  return { plain, compressed: smaller.sort((left, right) => left.body.byteLength - right.body.byteLength) };
}

/** Puts headers and validators to a content. */
export function prepareResponse(input: PreparationInput): PreparedResponse {
  const { plain, compressed } = input.content;
  return {
    plain: represent(input, null, plain),
    compressed: compressed.map(({ encoding, body }) => represent(input, encoding, body)),
    lastModifiedMs: input.lastModifiedMs ?? null,
  };
}

function represent(input: PreparationInput, encoding: ContentEncoding | null, body: Body): Representation {
  const etag = encoding === null ? `"${input.etag}"` : `"${input.etag}-${encoding}"`;
  const { "content-type": _, ...unmodified }: Record<string, string> = { ...input.headers, etag };
  return {
    encoding,
    etag,
    body,
    headers: input.headerSet({
      ...input.headers,
      etag,
      "content-length": String(Buffer.byteLength(body)),
      ...(encoding === null ? {} : { "content-encoding": encoding }),
    }),
    notModifiedHeaders: input.headerSet(unmodified),
  };
}
