/**
 * Readers of an answer's headers: dates, `Retry-After`, the media type, the content encoding. They must not
 * repeat a header's text in an error: it is the upstream's.
 */
import { UpstreamError } from "../../models/errors.ts";
import { parseHttpDate } from "../../models/http-date.ts";

/** Header names are in lower case; a header that came several times is a list. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** One layer of compression, or none. */
export type ContentEncoding = "gzip" | "br" | "deflate" | "identity";

/**
 * A document that changed within so long of its fetch may change again without another date: `Last-Modified`
 * counts whole seconds, on another host's clock (contract B 7, trap 13).
 */
export const recentMs = 2000;

/** The header's text, several headers joined with commas (RFC 9110, 5.3); null where there is none. */
export function headerText(headers: ResponseHeaders, name: string): string | null {
  const value = headers[name];
  if (value === undefined) return null;
  return typeof value === "string" ? value : value.join(", ");
}

/**
 * How long an answer asks to be left alone (RFC 9110, 10.2.3): seconds, or a date that is read against the
 * answer's own `Date`, so that a wrong clock on either side does no harm.
 *
 * @param wallMs our clock in epoch milliseconds, for an answer without `Date`
 * @param maxMs the most that is honoured: an upstream must not silence us for a day
 * @returns milliseconds; null where the answer does not ask, or asks nonsense
 */
export function retryAfterMs(headers: ResponseHeaders, wallMs: number, maxMs: number): number | null {
  const text = headerText(headers, "retry-after")?.trim() ?? null;
  if (text === null) return null;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, maxMs);
  const untilMs = parseHttpDate(text);
  if (untilMs === null) return null;
  const nowMs = parseHttpDate(headerText(headers, "date")) ?? wallMs;
  return Math.min(Math.max(untilMs - nowMs, 0), maxMs);
}

/** @returns the media type in lower case, without its parameters; empty where there is none */
export function mediaType(headers: ResponseHeaders): string {
  return (headerText(headers, "content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** Whether the media type is `application/json` or ends in `+json` (RFC 6839, 3.1). */
export function isJsonMediaType(headers: ResponseHeaders): boolean {
  const type = mediaType(headers);
  return type === "application/json" || /^[a-z0-9!#$&^_.-]+\/[a-z0-9!#$&^_.+-]+\+json$/.test(type);
}

/**
 * @returns the one encoding of the body
 * @throws UpstreamError `bad_encoding` where there is more than one layer (CVE-2026-22036: a chain of a
 *   hundred is an attack) or one we did not ask for
 */
export function contentEncoding(headers: ResponseHeaders): ContentEncoding {
  const layers = (headerText(headers, "content-encoding") ?? "")
    .toLowerCase()
    .split(",")
    .map((layer) => layer.trim())
    .filter((layer) => layer !== "" && layer !== "identity");
  const [layer = "identity", ...further] = layers;
  if (further.length > 0) {
    throw new UpstreamError("bad_encoding", "The upstream's answer has more than one content encoding");
  }
  if (layer === "x-gzip") return "gzip";
  if (layer === "gzip" || layer === "br" || layer === "deflate" || layer === "identity") return layer;
  throw new UpstreamError("bad_encoding", "The upstream's answer has a content encoding we did not ask for");
}

/**
 * The validator of an answer, and whether it can be trusted (contract B 7, trap 13).
 *
 * @returns `lastModified` as the upstream wrote it, null where it is no date; `recentlyChanged` where it lies
 *   within two seconds of the answer's `Date` or there is no `Date` to compare it with
 */
export function readValidator(headers: ResponseHeaders): {
  readonly lastModified: string | null;
  readonly recentlyChanged: boolean;
} {
  const lastModified = headerText(headers, "last-modified");
  const modifiedMs = parseHttpDate(lastModified);
  if (modifiedMs === null) return { lastModified: null, recentlyChanged: false };
  const answeredMs = parseHttpDate(headerText(headers, "date"));
  return { lastModified, recentlyChanged: answeredMs === null || answeredMs - modifiedMs <= recentMs };
}
