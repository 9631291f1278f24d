/**
 * One page of a document: the GET with its redirects, one retry on a connection that was closed meanwhile,
 * and the judgement of the answer. It must never send a key to another origin, and never leave a body unread.
 */
import type { Dispatcher } from "undici";
import { UpstreamError, type UpstreamErrorCode } from "../../models/errors.ts";
import type { UpstreamSettings } from "../../models/settings.ts";
import type { DocumentDeadline } from "./document-deadline.ts";
import { nextPageTarget } from "./link-header.ts";
import { type Body, readBody } from "./response-body.ts";
import { request } from "./undici-parts.ts";
import type { UpstreamDispatcher } from "./upstream-dispatcher.ts";
import { isBrokenConnection } from "./upstream-failures.ts";
import {
  contentEncoding,
  headerText,
  isJsonMediaType,
  type ResponseHeaders,
  readValidator,
  retryAfterMs,
} from "./upstream-headers.ts";

/** What all requests for one document share. */
export interface PageRequests {
  readonly upstream: UpstreamDispatcher;
  readonly settings: Pick<UpstreamSettings, "redirectsMax" | "retryAfterMaxMs">;
  readonly headers: Readonly<Record<string, string>>;
  readonly deadline: DocumentDeadline;
  /** The wall clock, for a `Retry-After` date in an answer without `Date`. */
  readonly wallMs: () => number;
}

/** One page as it came, after inflation. */
export interface Page extends Body {
  readonly next: URL | null;
  readonly lastModified: string | null;
  readonly recentlyChanged: boolean;
}

type Answer = Dispatcher.ResponseData;

/** All that lead elsewhere with a `Location`. */
export const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const dumpBytesMax = 65_536;

/**
 * @param url on the configured origin
 * @param ifModifiedSince the validator to send; null: the page is wanted whatever its date
 * @param bytesMax the most bytes this page may have after inflation
 * @returns the page; null for a 304 that we asked for
 * @throws UpstreamError by the status, the headers and the size; what undici and zlib throw
 */
export async function requestPage(
  requests: PageRequests,
  url: URL,
  ifModifiedSince: string | null,
  bytesMax: number,
): Promise<Page | null> {
  const headers =
    ifModifiedSince === null
      ? requests.headers
      : { ...requests.headers, "if-modified-since": ifModifiedSince };
  let target = url;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await sendWithRetry(requests, target, headers);
    if (!redirectStatuses.has(answer.statusCode)) {
      return await readAnswer(requests, answer, {
        target,
        isConditional: ifModifiedSince !== null,
        bytesMax,
      });
    }
    await answer.body.dump({ limit: dumpBytesMax });
    if (redirects >= requests.settings.redirectsMax) {
      throw new UpstreamError("redirect_refused", `The upstream redirects more than ${redirects} times`);
    }
    target = redirectTarget(answer.headers, target);
  }
}

/**
 * A connection kept alive may be closed by the upstream just as we send: that race of the protocol is not a
 * fault of the upstream, and a GET may be sent again. A connection that breaks when it is new is a fault.
 */
async function sendWithRetry(
  requests: PageRequests,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { connectionsOpened } = requests.upstream;
  const openedBefore = connectionsOpened?.();
  try {
    return await send(requests, url, headers);
  } catch (error) {
    const wasReused = openedBefore !== undefined && connectionsOpened?.() === openedBefore;
    if (!wasReused || !isBrokenConnection(error) || requests.deadline.signal.aborted) throw error;
    return await send(requests, url, headers);
  }
}

async function send(
  requests: PageRequests,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  requests.deadline.startRequest();
  const { dispatcher } = requests.upstream;
  return await request(url, dispatcher, { method: "GET", headers, signal: requests.deadline.signal });
}

/**
 * Keys travel in headers of our own, which no redirect rule strips: only the same origin may be followed.
 * @throws UpstreamError `redirect_refused`
 */
export function redirectTarget(headers: ResponseHeaders, from: URL): URL {
  const location = headerText(headers, "location");
  const target = location === null ? null : URL.parse(location, from.href);
  if (target === null)
    throw new UpstreamError("redirect_refused", "The upstream redirects to no usable address");
  if (!isSameOrigin(target, from)) {
    throw new UpstreamError("redirect_refused", "The upstream redirects to another origin");
  }
  return target;
}

/** Same scheme, host and port, and no credentials in the address. */
export function isSameOrigin(target: URL, from: URL): boolean {
  return target.origin === from.origin && target.username === "" && target.password === "";
}

async function readAnswer(
  requests: PageRequests,
  answer: Answer,
  sent: { readonly target: URL; readonly isConditional: boolean; readonly bytesMax: number },
): Promise<Page | null> {
  const { body, headers } = answer;
  try {
    if (answer.statusCode === 304 && sent.isConditional) {
      await body.dump({ limit: dumpBytesMax });
      return null;
    }
    if (answer.statusCode !== 200) throw statusError(requests, answer);
    if (!isJsonMediaType(headers)) {
      throw new UpstreamError("not_json", "The upstream's answer does not have a JSON media type");
    }
    const encoding = contentEncoding(headers);
    const next = nextPageTarget(headerText(headers, "link"), sent.target);
    return { ...(await readBody(body, encoding, sent.bytesMax)), next, ...readValidator(headers) };
  } finally {
    body.on("error", () => undefined).destroy();
  }
}

function statusError(requests: PageRequests, answer: Answer): UpstreamError {
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

/** What an answer says whose status is none of those that were hoped for. */
export function codeOfStatus(statusCode: number): UpstreamErrorCode {
  if (statusCode === 401 || statusCode === 403) return "key_rejected";
  if (statusCode === 429) return "rate_limited";
  return statusCode >= 500 ? "server_error" : "unexpected_status";
}
