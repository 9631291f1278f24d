/**
 * The `Link` header of RFC 8288, as far as paging needs it: the target of `rel=next`. It must not judge
 * whether that target may be followed; the client does.
 */
import { UpstreamError } from "../../models/errors.ts";

const linkTarget = /[\s,]*<([^>]*)>/y;
const linkParameter = /\s*;\s*([^\s=;,"]*)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/y;
const linkEnd = /\s*(?:,|$)/y;

/**
 * @param header all `Link` headers of one answer, joined with commas; null where there is none
 * @param page the address of that answer: relative targets and anchors are resolved against it
 * @returns the target of the first link whose relation types include `next`, whatever their case, and whose
 *   context is this page; null where there is none
 * @throws UpstreamError `page_refused` where the target is no URL, or where a header that cannot be read
 *   mentions `next`: reading on without that page would publish half a document
 */
export function nextPageTarget(header: string | null, page: URL): URL | null {
  let at = 0;
  while (header !== null && at < header.length) {
    const target = matchAt(linkTarget, header, at);
    if (target === null) return endOfReadable(header, at);
    const parameters = new Map<string, string>();
    at = readParameters(header, at + target[0].length, parameters);
    const end = matchAt(linkEnd, header, at);
    if (end === null) return endOfReadable(header, at);
    at += end[0].length;
    if (isNextOf(parameters, page)) return resolve((target[1] ?? "").trim(), page);
  }
  return null;
}

/** The first of several parameters of one name counts (RFC 8288, 3.3). */
function readParameters(header: string, from: number, parameters: Map<string, string>): number {
  let at = from;
  for (;;) {
    const match = matchAt(linkParameter, header, at);
    if (match === null) return at;
    at += match[0].length;
    const name = (match[1] ?? "").toLowerCase();
    const value = match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? "";
    if (!parameters.has(name)) parameters.set(name, value);
  }
}

/**
 * A link with an anchor speaks of another resource, unless the anchor is this page itself (RFC 8288, 3.2).
 */
function isNextOf(parameters: ReadonlyMap<string, string>, page: URL): boolean {
  const relations = (parameters.get("rel") ?? "").toLowerCase().split(/\s+/);
  if (!relations.includes("next")) return false;
  const anchor = parameters.get("anchor");
  return anchor === undefined || URL.parse(anchor, page.href)?.href === page.href;
}

function resolve(target: string, page: URL): URL {
  const url = URL.parse(target, page.href);
  if (url === null) throw new UpstreamError("page_refused", "The upstream's link to the next page is no URL");
  return url;
}

function endOfReadable(header: string, at: number): null {
  const rest = header.slice(at);
  if (!/next/i.test(rest)) return null;
  throw new UpstreamError("page_refused", "The upstream's Link header cannot be read");
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
