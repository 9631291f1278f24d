/**
 * One page of an answer: the GET with its redirects, one retry on a connection that was closed meanwhile,
 * and the judgement of the answer. It must never leave a body unread.
 */
import { UpstreamError, type UpstreamErrorCode } from "../../models/errors.ts";
import type { UpstreamSettings } from "../../models/settings.ts";
import type { DocumentDeadline } from "./document-deadline.ts";
import { nextPageTarget } from "./link-header.ts";
import { type FollowedAnswer, followRedirects } from "./redirects.ts";
import { type Body, dumpBody, readBody } from "./response-body.ts";
import { type Answer, request, throwAway } from "./undici-parts.ts";
import type { UpstreamDispatcher } from "./upstream-dispatcher.ts";
import { isBrokenConnection } from "./upstream-failures.ts";
import {
  contentEncoding,
  headerText,
  isJsonMediaType,
  readValidator,
  retryAfterMs,
} from "./upstream-headers.ts";

/** What all requests for one document, one list or one report share. */
export interface PageRequests {
  readonly upstream: UpstreamDispatcher;
  readonly settings: Pick<UpstreamSettings, "redirectsMax" | "retryAfterMaxMs">;
  readonly headers: Readonly<Record<string, string>>;
  readonly deadline: DocumentDeadline;
  /** The wall clock, for a `Retry-After` date in an answer without `Date`. */
  readonly wallMs: () => number;
  /** Whether an answer counts as JSON only if its media type says so. */
  readonly needsMediaType: boolean;
}

/** One page as it came, after inflation. */
export interface Page extends Body {
  readonly next: URL | null;
  readonly lastModified: string | null;
  readonly recentlyChanged: boolean;
}

/**
 * @param url on the configured origin
 * @param bytesMax the most bytes this page may have after inflation
 * @returns the page, whatever its date
 * @throws UpstreamError by the status, the headers and the size; what undici and zlib throw
 */
export async function requestPage(requests: PageRequests, url: URL, bytesMax: number): Promise<Page> {
  return await readPage(requests, await get(requests, url, requests.headers), bytesMax);
}

/**
 * As `requestPage`, unless the page is still the one the caller holds.
 * @param ifModifiedSince the validator of that one
 * @returns null for a 304
 */
export async function requestChangedPage(
  requests: PageRequests,
  url: URL,
  bytesMax: number,
  ifModifiedSince: string,
): Promise<Page | null> {
  const followed = await get(requests, url, { ...requests.headers, "if-modified-since": ifModifiedSince });
  if (followed.answer.statusCode !== 304) return await readPage(requests, followed, bytesMax);
  await dumpBody(followed.answer.body);
  return null;
}

/** What may be sent twice, and counts once. */
interface IdempotentRequest {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * A connection kept alive may be closed by the upstream just as we send: that race of the protocol is not a
 * fault of the upstream, and what counts once may be sent again. A connection that breaks when it is new is a
 * fault.
 * @param url on the configured origin; a redirect is an answer like any other
 * @throws what undici throws; what the deadline aborts with
 */
export async function sendWithRetry(
  requests: Pick<PageRequests, "upstream" | "deadline">,
  url: URL,
  sent: IdempotentRequest,
): Promise<Answer> {
  const { connectionsOpened } = requests.upstream;
  const openedBefore = connectionsOpened?.();
  try {
    return await send(requests, url, sent);
  } catch (error) {
    const wasReused = openedBefore !== undefined && connectionsOpened?.() === openedBefore;
    if (!wasReused || !isBrokenConnection(error) || requests.deadline.signal.aborted) throw error;
    return await send(requests, url, sent);
  }
}

async function send(
  { deadline, upstream }: Pick<PageRequests, "upstream" | "deadline">,
  url: URL,
  sent: IdempotentRequest,
): Promise<Answer> {
  deadline.startRequest();
  return await request(url, upstream.dispatcher, { ...sent, signal: deadline.signal });
}

function get(
  requests: PageRequests,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<FollowedAnswer> {
  const ask = (target: URL) => sendWithRetry(requests, target, { method: "GET", headers });
  return followRedirects(url, ask, requests.settings.redirectsMax);
}

async function readPage(
  requests: PageRequests,
  { answer, target }: FollowedAnswer,
  bytesMax: number,
): Promise<Page> {
  const { body, headers } = answer;
  try {
    if (answer.statusCode !== 200) throw statusError(requests, answer);
    if (requests.needsMediaType && !isJsonMediaType(headers)) {
      throw new UpstreamError("not_json", "The upstream's answer does not have a JSON media type");
    }
    const encoding = contentEncoding(headers);
    const next = nextPageTarget(headerText(headers, "link"), target);
    return { ...(await readBody(body, encoding, bytesMax)), next, ...readValidator(headers) };
  } finally {
    throwAway(answer);
  }
}

/** @returns what an answer says whose status is not the wanted one, with how long it asks to wait */
export function statusError(
  requests: Pick<PageRequests, "settings" | "wallMs">,
  answer: Answer,
): UpstreamError {
  const { statusCode, headers } = answer;
  const options = {
    retryAfterMs: retryAfterMs(headers, requests.wallMs(), requests.settings.retryAfterMaxMs),
  };
  if (statusCode === 304) {
    return new UpstreamError(
      "unexpected_not_modified",
      "The upstream answered 304 to a request without a date",
    );
  }
  return new UpstreamError(codeOfStatus(statusCode), `The upstream answered ${statusCode}`, options);
}

/** @returns the code for any status that is not the wanted one */
export function codeOfStatus(statusCode: number): UpstreamErrorCode {
  if (statusCode === 401 || statusCode === 403) return "key_rejected";
  if (statusCode === 429) return "rate_limited";
  return statusCode >= 500 ? "server_error" : "unexpected_status";
}
