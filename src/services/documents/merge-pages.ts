/**
 * Merges the pages of one document as bytes, so that page one stays as it is: number text, key order and
 * unknown fields. It must not parse a document into values and write it anew (contract B 7, traps 9, 17 and
 * 40).
 */
import { UpstreamError } from "../../models/errors.ts";
import { isList, type Span, skipSpace, topLevelMembers } from "./json-spans.ts";

const overridesKey = "identity_overrides";

/**
 * Appends the `identity_overrides` of the later pages to those of page one; all else is page one's (contract
 * B 4.3). The key may be missing, null or empty on any page.
 *
 * @param pages UTF-8 texts in order, at least one; each begins as an object
 * @returns page one's text with the elements spliced in; page one itself where there is nothing to splice
 * @throws UpstreamError `document_invalid` where one of several pages is not JSON, is nested too deeply, or
 *   has `identity_overrides` that are no list
 */
export function mergePages(pages: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [first = new Uint8Array(), ...others] = pages;
  if (others.length === 0) return first;
  for (const page of pages) requireJson(page);
  const { overrides, closingBrace, hasMembers } = findOverrides(first);
  const own = listText(first, overrides);
  const elements = others
    .map((page) => listText(page, findOverrides(page).overrides))
    .filter((bytes) => bytes.length > 0)
    .flatMap((bytes, index) => (index === 0 ? [bytes] : [text(","), bytes]));
  if (elements.length === 0) return first;
  if (overrides === null) {
    const opening = text(`${hasMembers ? "," : ""}"${overridesKey}":[`);
    return splice(first, { start: closingBrace, end: closingBrace }, [opening, ...elements, text("]")]);
  }
  if (!isList(first, overrides)) return splice(first, overrides, [text("["), ...elements, text("]")]);
  const end = { start: overrides.end - 1, end: overrides.end - 1 };
  return splice(first, end, own.length === 0 ? elements : [text(","), ...elements]);
}

/** What the scan of one page finds at its top level. */
interface PageScan {
  /** The value of the last `identity_overrides`, as the last of two equal keys wins; null without one. */
  readonly overrides: Span | null;
  readonly closingBrace: number;
  readonly hasMembers: boolean;
}

/**
 * Finds the identity overrides in a document's bytes; they need not be a list.
 * @throws UpstreamError `document_invalid` where the document is nested too deeply
 */
export function findOverrides(document: Uint8Array): PageScan {
  let overrides: Span | null = null;
  let hasMembers = false;
  const members = topLevelMembers(document);
  for (;;) {
    const next = members.next();
    if (next.done === true) return { overrides, closingBrace: next.value, hasMembers };
    hasMembers = true;
    if (next.value.key === overridesKey) overrides = next.value;
  }
}

/** A full parse, whose values are dropped: only then may the scan trust the text. */
function requireJson(page: Uint8Array): void {
  try {
    JSON.parse(new TextDecoder().decode(page));
  } catch (cause) {
    // NOTE: the parser's message quotes the text, so it is not kept as a cause.
    throw cause instanceof SyntaxError ? notJson() : cause;
  }
}

/** What is said of a document, or of one page of it, that begins as JSON and is none. */
export function notJson(): UpstreamError {
  return new UpstreamError("document_invalid", "the environment document is not JSON");
}

/** What stands between the brackets, without the space around it. */
function listText(page: Uint8Array, overrides: Span | null): Uint8Array {
  if (overrides === null || isNull(page, overrides)) return new Uint8Array();
  if (!isList(page, overrides)) {
    throw new UpstreamError("document_invalid", "The identity overrides of a page are not a list");
  }
  const start = skipSpace(page, overrides.start + 1);
  let end = Math.max(start, overrides.end - 1);
  while (end > start && skipSpace(page, end - 1) >= end) end -= 1;
  return page.subarray(start, end);
}

function isNull(page: Uint8Array, { start, end }: Span): boolean {
  return new TextDecoder().decode(page.subarray(start, end)) === "null";
}

function splice(page: Uint8Array, { start, end }: Span, inserted: readonly Uint8Array[]) {
  return new Uint8Array(Buffer.concat([page.subarray(0, start), ...inserted, page.subarray(end)]));
}

function text(characters: string): Uint8Array {
  return new TextEncoder().encode(characters);
}
