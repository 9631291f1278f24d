/**
 * The faults of one environment's upstream that the proxy rides out, and what health says of each
 * (reliability, table B). Faults of the connection are those of all environments, and not here.
 */
import type { UpstreamErrorCode } from "../../src/models/errors.ts";
import type { FaultMode, FaultOptions } from "./fault-modes.ts";
import { demoDocumentText } from "./running-proxy.ts";

export interface UpstreamFault {
  readonly name: string;
  /** What health says. */
  readonly reason: UpstreamErrorCode;
  readonly mode: FaultMode | number;
  readonly options?: FaultOptions;
  /** So many requests one poll may send; one unless given. */
  readonly requestsPerPoll?: number;
}

/**
 * @param evilUrl of a document on another origin, which nothing may lead to
 * @returns each fault once; large answers are larger than the limit of `configFor`
 */
export function upstreamFaults(evilUrl: string): readonly UpstreamFault[] {
  const faults: readonly [string, UpstreamErrorCode, FaultMode | number, FaultOptions?, number?][] = [
    ["B3 a hanging request", "timeout", "hang-headers"],
    ["B4 a body byte by byte", "timeout", "drip"],
    ["B5 500", "server_error", 500],
    ["B5 502", "server_error", 502],
    ["B5 503 with a short Retry-After", "server_error", 503, { retryAfter: "0" }],
    ["B5 429", "rate_limited", 429, { retryAfter: "0" }],
    ["404", "unexpected_status", 404],
    ["B18 401", "key_rejected", 401],
    ["B18 403", "key_rejected", 403],
    ["B7 a body shorter than its length", "connection_lost", "truncated-length"],
    ["B7 a body without its last chunk", "connection_lost", "truncated-chunk"],
    ["B7 a reset amid the body", "connection_lost", "reset-mid-body"],
    ["a reset in place of an answer", "connection_lost", "reset", {}, 2],
    ["B7 half a document", "document_invalid", "body", { body: demoDocumentText.slice(0, 5000) }],
    ["B8 a login page", "not_json", "html"],
    ["B8 a document of the wrong type", "not_json", "wrong-type"],
    ["bytes that are not UTF-8", "not_json", "not-utf8"],
    ["B9 []", "not_json", "body", { body: "[]" }],
    ["B9 null", "not_json", "body", { body: "null" }],
    ["B9 {}", "document_invalid", "body", { body: "{}" }],
    ["B9 a string", "not_json", "body", { body: '"x"' }],
    ["B9 a number", "not_json", "body", { body: "1" }],
    ["an empty body", "not_json", "body", { body: "" }],
    ["B10 a gzip bomb", "too_large", "gzip-bomb", { bytes: 8_000_000 }],
    ["B10 a hundred encodings", "bad_encoding", "encoding-chain"],
    ["B11 a body above the limit", "too_large", "too-big", { bytes: 8_000_000 }],
    ["B12 a redirect loop", "redirect_refused", "redirect-loop", {}, 4],
    ["B13 a redirect to another origin", "redirect_refused", "redirect-cross", { to: evilUrl }],
    ["B13 a page of another origin", "page_refused", "link-cross", { to: evilUrl }],
    ["B13 a page in a file", "page_refused", "link-cross", { to: "file:///etc/passwd" }],
    ["B13 a page of the cloud's metadata", "page_refused", "link-cross", { to: "http://169.254.169.254/" }],
    ["B14 a page that links to itself", "page_refused", "link-loop", {}, 2],
    ["B3 a second page that hangs", "timeout", "link-to-mode", { secondPage: "hang-headers" }, 2],
    ["B7 a second page cut short", "connection_lost", "link-to-mode", { secondPage: "truncated-chunk" }, 2],
  ];
  return faults.map(([name, reason, mode, options = {}, requestsPerPoll = 1]) => ({
    name,
    reason,
    mode,
    options,
    requestsPerPoll,
  }));
}
