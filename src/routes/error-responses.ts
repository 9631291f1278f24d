/**
 * The one place where errors become HTTP (contract A3): one shape, closed codes, CORS headers on each. No
 * error shows an upstream's text, a stack, or a key other than the presented one.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type CorsHeaders, headersFor } from "../cache/cors-headers.ts";
import type { HeaderRecord } from "../cache/prepared-response.ts";
import { RequestError, type RequestErrorCode } from "../models/errors.ts";
import { respond } from "./direct-answers.ts";
import { type AppContext, requestHeader } from "./http-context.ts";
import { leavesLongBody } from "./unread-body.ts";

const statuses: Readonly<Record<RequestErrorCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  payload_too_large: 413,
  unsupported_media_type: 415,
  unprocessable_entity: 422,
  service_unavailable: 503,
  overloaded: 503,
};

/** How long a caller should wait before it tries again, in seconds. */
const retryAfterSeconds = 1;

/** Headers that belong to a code, whoever answers it. */
const headersOfCode: Readonly<Partial<Record<RequestErrorCode, HeaderRecord>>> = {
  service_unavailable: { "retry-after": String(retryAfterSeconds) },
  overloaded: { "retry-after": String(retryAfterSeconds) },
  // What is left of the body is not read, so the connection cannot carry another request.
  payload_too_large: { connection: "close" },
};

/** @returns the answer to a request that failed by the caller's doing, or that cannot be served yet */
export type ErrorResponder = (context: AppContext, error: RequestError, headers?: HeaderRecord) => Response;

/**
 * @param cors adds the CORS headers, so that a page can read why it failed
 * @param bodyBytesMax where more of a body may be left unread, the connection is closed behind the answer
 */
export function createErrorResponder(cors: CorsHeaders, bodyBytesMax: number): ErrorResponder {
  return (context, error, headers = {}) => {
    const { code } = error;
    const incoming = context.env?.incoming as IncomingMessage | undefined;
    const isClosing = incoming !== undefined && leavesLongBody(incoming, bodyBytesMax);
    const closing = isClosing ? { connection: "close" } : {};
    const all = { ...headersOfCode[code], ...closing, ...headers };
    return jsonError(context, cors, statuses[code], bodyOf(error), all);
  };
}

/** More was asked of this process than it can evaluate; what is ready is still answered. */
export function overloaded(): RequestError {
  return new RequestError("overloaded", "too many identities are asked for at once; try again");
}

/**
 * Answers a request that is not let in to the application.
 * @param headers beside those of the error's code
 */
export function writeError(
  cors: CorsHeaders,
  request: IncomingMessage,
  response: ServerResponse,
  error: RequestError,
  headers: HeaderRecord,
): void {
  const body = bodyOf(error);
  const all = { ...headersOfCode[error.code], ...headers };
  const origin = request.headers.origin ?? null;
  response.writeHead(statuses[error.code], errorHeaders(cors, body, all, origin)).end(body);
}

function bodyOf({ code, message, detail }: RequestError): string {
  return JSON.stringify({ status: code, message, ...(detail === null ? {} : { detail }) });
}

/** The answer to a bug: nothing of it is shown. */
export function internalErrorResponse(context: AppContext, cors: CorsHeaders): Response {
  return jsonError(context, cors, 500, `{"status":"error","message":"internal error"}`, {});
}

/** The answer to a request whose target or host is malformed: no route can be found for it. */
export function malformedResponse(cors: CorsHeaders): Response {
  const body = bodyOf(new RequestError("bad_request", "the target or the host of the request is malformed"));
  return new Response(body, { status: 400, headers: errorHeaders(cors, body, {}, null) });
}

function jsonError(
  context: AppContext,
  cors: CorsHeaders,
  status: number,
  body: string,
  headers: HeaderRecord,
): Response {
  return respond(context, status, errorHeaders(cors, body, headers, requestHeader(context, "origin")), body);
}

function errorHeaders(
  cors: CorsHeaders,
  body: string,
  headers: HeaderRecord,
  origin: string | null,
): HeaderRecord {
  const set = cors.headerSet({
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
    ...headers,
  });
  return headersFor(cors, set, origin);
}

/** A faulty request body or query, with one detail for each fault. */
export function unprocessable(detail: RequestError["detail"]): RequestError {
  return new RequestError("unprocessable_entity", "the request is not valid; see detail", detail);
}
