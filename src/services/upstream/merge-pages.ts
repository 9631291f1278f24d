/**
 * Merges the pages of one document as text, so that page one keeps its bytes: number text, key order and
 * unknown fields. It must not parse a document into values and write it anew (contract B 7, traps 9, 17 and
 * 40).
 */
import { UpstreamError } from "../../models/errors.ts";

/** Where a member's value stands in the text. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** What the scan of one page finds at its top level. */
interface PageScan {
  /**
   * The value of the last `identity_overrides`, as the last of two equal keys wins; null where there is none.
   */
  readonly overrides: Span | null;
  /** Where the closing brace of the page is. */
  readonly closingBrace: number;
  readonly hasMembers: boolean;
}

const overridesKey = "identity_overrides";

/**
 * Appends the `identity_overrides` of the later pages to those of page one; all else is page one's (contract
 * B 4.3). The key may be missing, null or empty on any page.
 *
 * @param pages the JSON texts in order, at least one
 * @returns page one's text with the elements spliced in
 * @throws UpstreamError `not_json` where a page is not a JSON object; `document_invalid` where a page's
 *   `identity_overrides` is no list
 */
export function mergePages(pages: readonly string[]): string {
  for (const page of pages) requireObject(page);
  const [first = "{}", ...others] = pages;
  const scan = scanPage(first);
  const ownElements = elementsText(first, scan.overrides);
  const elements = others
    .map((page) => elementsText(page, scanPage(page).overrides))
    .filter((text) => text !== "")
    .join(",");
  if (elements === "") return first;
  const span = scan.overrides;
  if (span === null) {
    const member = `${scan.hasMembers ? "," : ""}"${overridesKey}":[${elements}]`;
    return insert(first, scan.closingBrace, scan.closingBrace, member);
  }
  if (first[span.start] !== "[") return insert(first, span.start, span.end, `[${elements}]`);
  return insert(first, span.end - 1, span.end - 1, ownElements === "" ? elements : `,${elements}`);
}

/**
 * A full parse, whose values are dropped: only then may the scan below trust the text. Documents of one page,
 * nearly all there are, never come here.
 */
function requireObject(page: string): void {
  let value: unknown;
  try {
    value = JSON.parse(page);
  } catch {
    // NOTE: the parser's message quotes the text, so it is not kept as a cause.
    throw new UpstreamError("not_json", "A page of the document is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UpstreamError("not_json", "A page of the document is not a JSON object");
  }
}

function elementsText(page: string, span: Span | null): string {
  if (span === null || page.startsWith("null", span.start)) return "";
  if (page[span.start] === "[") return page.slice(span.start + 1, span.end - 1).trim();
  throw new UpstreamError("document_invalid", "The identity overrides of a page are not a list");
}

function insert(text: string, from: number, to: number, inserted: string): string {
  return text.slice(0, from) + inserted + text.slice(to);
}

function scanPage(page: string): PageScan {
  let overrides: Span | null = null;
  let hasMembers = false;
  let at = skip(/[\s{]*/y, page, 0);
  while (page[at] === '"') {
    hasMembers = true;
    const keyEnd = endOfString(page, at);
    const key: unknown = JSON.parse(page.slice(at, keyEnd));
    const start = skip(/[\s:]*/y, page, keyEnd);
    const end = endOfValue(page, start);
    if (key === overridesKey) overrides = { start, end };
    at = skip(/[\s,]*/y, page, end);
  }
  return { overrides, closingBrace: at, hasMembers };
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

function endOfValue(text: string, start: number): number {
  const opening = text[start];
  if (opening === '"') return endOfString(text, start);
  if (opening === "{" || opening === "[") return endOfNesting(text, start);
  return skip(/[^\s,}]*/y, text, start);
}

function endOfNesting(text: string, start: number): number {
  const structural = /["{}[\]]/g;
  structural.lastIndex = start;
  let depth = 0;
  for (let match = structural.exec(text); match !== null; match = structural.exec(text)) {
    if (match[0] === '"') structural.lastIndex = endOfString(text, match.index);
    else if (match[0] === "{" || match[0] === "[") depth += 1;
    else depth -= 1;
    if (depth === 0) return match.index + 1;
  }
  return text.length;
}

/** The position after the closing quote: the first quote that an even number of backslashes precedes. */
function endOfString(text: string, opening: number): number {
  for (let at = text.indexOf('"', opening + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return at + 1;
  }
  return text.length;
}
