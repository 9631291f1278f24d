/**
 * Redirects of the upstream, and where they may lead. Keys travel in headers of our own, which no redirect
 * rule strips, or in the path: another origin must never be asked.
 */
import { UpstreamError } from "../../models/errors.ts";
import { dumpBody } from "./response-body.ts";
import type { Answer } from "./undici-parts.ts";
import { headerText, type ResponseHeaders } from "./upstream-headers.ts";

/** All that lead elsewhere with a `Location`. */
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** An answer that is no redirect, and where it came from. */
export interface FollowedAnswer {
  readonly answer: Answer;
  readonly target: URL;
}

/**
 * Asks until an answer is no redirect.
 * @param url on the configured origin
 * @param ask sends the request to such an address
 * @param redirectsMax how many redirects are followed
 * @throws UpstreamError `redirect_refused`; what `ask` throws
 */
export async function followRedirects(
  url: URL,
  ask: (target: URL) => Promise<Answer>,
  redirectsMax: number,
): Promise<FollowedAnswer> {
  let target = url;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await ask(target);
    if (!redirectStatuses.has(answer.statusCode)) return { answer, target };
    await dumpBody(answer.body);
    if (redirects >= redirectsMax) {
      throw new UpstreamError("redirect_refused", `The upstream redirects more than ${redirects} times`);
    }
    target = redirectTarget(answer.headers, target);
  }
}

/** @returns whether scheme, host and port are the same, and there are no credentials in the address */
export function isSameOrigin(target: URL, from: URL): boolean {
  return target.origin === from.origin && target.username === "" && target.password === "";
}

function redirectTarget(headers: ResponseHeaders, from: URL): URL {
  const location = headerText(headers, "location");
  const target = location === null ? null : URL.parse(location, from.href);
  if (target === null) {
    throw new UpstreamError("redirect_refused", "The upstream redirects to no usable address");
  }
  if (!isSameOrigin(target, from)) {
    throw new UpstreamError("redirect_refused", "The upstream redirects to another origin");
  }
  return target;
}
