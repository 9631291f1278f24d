/**
 * Sends a prepared response: picks the representation the client accepts, or answers 304 where it holds the
 * current one (contract A6, A8; RFC 9110 sections 12.5.3 and 13). It makes no bytes.
 */
import { type CorsHeaders, headersFor } from "../cache/cors-headers.ts";
import type { HeaderSet, PreparedResponse, Representation } from "../cache/prepared-response.ts";
import { parseHttpDate } from "../models/http-date.ts";
import { respond } from "./direct-answers.ts";
import { type AppContext, requestHeader } from "./http-context.ts";

/**
 * @param cors of the settings that this request is answered by
 * @param prepared of the snapshot that this request holds
 */
export function answerPrepared(context: AppContext, cors: CorsHeaders, prepared: PreparedResponse): Response {
  const chosen = chooseRepresentation(prepared, requestHeader(context, "accept-encoding"));
  if (isCurrent(context, prepared, chosen)) {
    return answerNotModified(context, cors, chosen.notModifiedHeaders);
  }
  const headers = headersFor(cors, chosen.headers, requestHeader(context, "origin"));
  return respond(context, 200, headers, chosen.body);
}

/** @param headers of the representation that the client holds, without those of the body */
export function answerNotModified(context: AppContext, cors: CorsHeaders, headers: HeaderSet): Response {
  return respond(context, 304, headersFor(cors, headers, requestHeader(context, "origin")), null);
}

/**
 * Against the chosen representation: one in another coding is another sequence of bytes (RFC 9110 13.1.2).
 */
function isCurrent(context: AppContext, prepared: PreparedResponse, chosen: Representation): boolean {
  const ifNoneMatch = requestHeader(context, "if-none-match");
  if (ifNoneMatch !== null) return holdsEtag(ifNoneMatch, chosen.etag);
  const ifModifiedSince = requestHeader(context, "if-modified-since");
  if (ifModifiedSince === null || prepared.lastModifiedMs === null) return false;
  const heldMs = parseHttpDate(ifModifiedSince);
  return heldMs !== null && prepared.lastModifiedMs <= heldMs;
}

/**
 * Whether an `If-None-Match` names an ETag, by weak comparison (RFC 9110 8.8.3.2).
 * @param etag quoted, strong
 */
export function holdsEtag(ifNoneMatch: string, etag: string): boolean {
  // What a client that holds one answer sends; reading a list costs ten times as much.
  if (ifNoneMatch === etag) return true;
  if (ifNoneMatch.trim() === "*") return true;
  for (const [named] of ifNoneMatch.matchAll(/"[^"]*"/g)) if (named === etag) return true;
  return false;
}

function chooseRepresentation(prepared: PreparedResponse, acceptEncoding: string | null): Representation {
  const { plain, compressed } = prepared;
  if (acceptEncoding === null || compressed.length === 0) return plain;
  const qualities = readAcceptEncoding(acceptEncoding);
  const anyQuality = qualities.get("*") ?? 0;
  let chosen = plain;
  // Unlisted, the plain body is acceptable but not wanted; listed, a compressed one must be wanted as much.
  let best = qualities.get("identity") ?? 0;
  // Smallest first, and the plain one last: the smallest of the most wanted wins.
  for (const representation of compressed) {
    const quality = qualities.get(representation.encoding ?? "") ?? anyQuality;
    if (quality > best || (quality === best && quality > 0 && chosen === plain)) {
      best = quality;
      chosen = representation;
    }
  }
  return chosen;
}

/** Fleets of clients send a handful of different headers; where more come, it begins anew. */
const rememberedHeadersMax = 64;
const rememberedHeaders = new Map<string, ReadonlyMap<string, number>>();

function readAcceptEncoding(header: string): ReadonlyMap<string, number> {
  const remembered = rememberedHeaders.get(header);
  if (remembered !== undefined) return remembered;
  const qualities = parseAcceptEncoding(header);
  if (rememberedHeaders.size >= rememberedHeadersMax) rememberedHeaders.clear();
  rememberedHeaders.set(header, qualities);
  return qualities;
}

function parseAcceptEncoding(header: string): Map<string, number> {
  const qualities = new Map<string, number>();
  for (const item of header.split(",")) {
    const [coding = "", ...parameters] = item.split(";");
    const weight = parameters.map((each) => each.trim()).find((each) => /^q=/i.test(each));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    qualities.set(coding.trim().toLowerCase(), quality >= 0 && quality <= 1 ? quality : 0);
  }
  return qualities;
}
