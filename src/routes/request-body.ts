/**
 * Reads a request's body within its limit, and turns it into text and JSON, with the contract's errors
 * (A3). Bytes are counted as they come: a length that a client announces is not believed.
 */
import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { RequestError } from "../models/errors.ts";
import { parseJson } from "../models/json.ts";
import type { ReceivingRequest } from "../services/listener/received-bodies.ts";
import { unprocessable } from "./error-responses.ts";
import { type AppContext, requestHeader } from "./http-context.ts";

/**
 * Answers a request with its body: at once where it was read before the request was routed.
 * @param bytesMax a longer body is 413
 * @param answer gets the raw bytes, or why they cannot be had
 */
export function withBody(
  context: AppContext,
  bytesMax: number,
  answer: (body: Buffer | RequestError) => Response,
): Response | Promise<Response> {
  const received = (context.env?.incoming as ReceivingRequest | undefined)?.rawBody;
  return received === undefined ? readBody(context, bytesMax).then(answer) : answer(received);
}

function readBody(context: AppContext, bytesMax: number): Promise<Buffer | RequestError> {
  const encoding = requestHeader(context, "content-encoding");
  if (encoding !== null && encoding.trim().toLowerCase() !== "identity") {
    const message = "a request body must not have a Content-Encoding";
    return Promise.resolve(new RequestError("unsupported_media_type", message));
  }
  // Chunks of something else: Node takes the chunks apart, and would leave the rest to us.
  const transfer = requestHeader(context, "transfer-encoding");
  if (transfer !== null && transfer.trim().toLowerCase() !== "chunked") {
    const message = "a request body must have no Transfer-Encoding but chunked";
    return Promise.resolve(new RequestError("unsupported_media_type", message));
  }
  if (Number(requestHeader(context, "content-length")) > bytesMax) {
    return Promise.resolve(tooLarge(bytesMax));
  }
  const incoming = context.env?.incoming;
  return incoming === undefined
    ? readStream(context.req.raw.body, bytesMax)
    : readIncoming(incoming as IncomingMessage, bytesMax);
}

function tooLarge(bytesMax: number): RequestError {
  return new RequestError("payload_too_large", `the body is longer than ${bytesMax} bytes`);
}

/**
 * So many pieces of a body are taken in one turn of the event loop. Of chunks of a byte each, which cost
 * Node 1.5 µs apiece, a whole body would otherwise come in one turn of half a second.
 */
const piecesOfTurnMax = 1024;

/** Straight from Node's stream: a web stream in between costs more than the rest of the request. */
function readIncoming(incoming: IncomingMessage, bytesMax: number): Promise<Buffer | RequestError> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) {
        incoming.pause();
        resolve(tooLarge(bytesMax));
      } else if (chunks.push(chunk) === piecesOfTurnMax) {
        chunks.splice(0, piecesOfTurnMax, Buffer.concat(chunks));
        incoming.pause();
        setImmediate(() => incoming.resume());
      }
    });
    incoming.on("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    // Whatever ends a body before its end: the client is gone.
    incoming.on("error", (cause) => reject(new RequestAbortedError("aborted", { cause })));
    // It comes after a complete body too, and an error made for nothing costs a fifth of a cached answer.
    incoming.on("close", () => {
      if (!incoming.complete) reject(new RequestAbortedError("aborted"));
    });
  });
}

async function readStream(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<Buffer | RequestError> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The client went away before its body was complete: nobody is there to answer. */
export class RequestAbortedError extends Error {
  override readonly name = "RequestAbortedError";
}

/**
 * @param bytes a raw body
 * @returns the parsed JSON, numbers with their text; or 400 for what is not JSON, 422 for what is not UTF-8
 */
export function parseBody(bytes: Buffer): { readonly json: unknown } | RequestError {
  if (!isUtf8(bytes)) {
    return unprocessable([{ loc: ["body"], type: "string_unicode", msg: "Input should be valid UTF-8" }]);
  }
  const text = bytes.toString("utf8");
  try {
    return { json: parseJson(text.startsWith("\ufeff") ? text.slice(1) : text) };
  } catch (error) {
    if (error instanceof RangeError) {
      return unprocessable([{ loc: ["body"], type: "recursion_loop", msg: "Input is nested too deeply" }]);
    }
    return new RequestError("bad_request", "the body is not JSON");
  }
}
