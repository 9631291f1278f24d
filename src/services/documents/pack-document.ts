/**
 * Checks a fetched document and packs it. It costs much, and for a large document runs in a process of its
 * own: identity overrides are checked one at a time, so that never more than one of them is an object.
 */
import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import { buildOverrideIndex, type OverridePlace } from "../../cache/override-index.ts";
import {
  type EnvironmentDocument,
  environmentDocument,
  identityOverride,
} from "../../models/environment-document.ts";
import { UpstreamError } from "../../models/errors.ts";
import { parseJson, scalarText } from "../../models/json.ts";
import type { PackedDocument } from "../../models/packed-document.ts";
import { beginsAsObject, isList, listElements, type Span } from "./json-spans.ts";
import { findOverrides, mergePages, notJson } from "./merge-pages.ts";

/** A list is cut into pieces of so many characters or little more: one is unpacked in half a millisecond. */
const pieceCharacters = 65_536;
/** So many faults of one document are named. */
const faultsMax = 3;
const emptyList = new TextEncoder().encode("[]");

type Faults = readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];

/**
 * @param pages as they came, in order, at least one; a byte order mark is dropped, as every JSON reader does
 * @returns the document's bytes, all pages merged
 * @throws UpstreamError `not_json` where a page is not UTF-8 or no JSON object;
 *   `document_invalid` where pages cannot be merged
 */
export function joinPages(pages: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (!pages.every((page) => isUtf8(page))) {
    throw new UpstreamError("not_json", "The document is not UTF-8");
  }
  const texts = pages.map(withoutByteOrderMark);
  if (!texts.every(beginsAsObject)) {
    throw new UpstreamError("not_json", "The document is not a JSON object");
  }
  return mergePages(texts);
}

/**
 * @param body UTF-8 bytes, kept by the result
 * @returns all but its compressed forms
 * @throws UpstreamError `document_invalid`
 */
export function packDocument(body: Uint8Array<ArrayBuffer>): Omit<PackedDocument, "compressed"> {
  const { overrides } = findOverrides(body);
  const list = overrides !== null && isList(body, overrides) ? overrides : null;
  const document = checkDocument(
    list === null ? [body] : [body.subarray(0, list.start), emptyList, body.subarray(list.end)],
  );
  const places = list === null ? [] : checkOverrides(body, list);
  const overrideIndex = buildOverrideIndex(places);
  return { digest: hash("sha256", body), body, ...packLists(document), overrides: overrideIndex };
}

function withoutByteOrderMark(page: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [first, second, third] = page;
  return first === 0xef && second === 0xbb && third === 0xbf ? page.subarray(3) : page;
}

function checkDocument(pieces: readonly Uint8Array[]): EnvironmentDocument {
  const result = environmentDocument.safeParse(parse(Buffer.concat(pieces).toString("utf8")));
  if (!result.success) throw invalid(result.error.issues);
  return result.data;
}

function checkOverrides(body: Uint8Array<ArrayBuffer>, list: Span): OverridePlace[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const places: OverridePlace[] = [];
  for (const { start, end } of overrideSpans(body, list)) {
    const result = identityOverride.safeParse(parse(bytes.toString("utf8", start, end)));
    if (!result.success) {
      const place = ["identity_overrides", places.length];
      throw invalid(result.error.issues.map(({ path, message }) => ({ path: [...place, ...path], message })));
    }
    places.push({ identifier: result.data.identifier, start, end });
  }
  return places;
}

function overrideSpans(body: Uint8Array, list: Span): Iterable<Span> {
  try {
    return [...listElements(body, list)];
  } catch (cause) {
    throw cause instanceof SyntaxError ? notJson() : cause;
  }
}

function invalid(faults: Faults): UpstreamError {
  const texts = faults.slice(0, faultsMax).map(({ path, message }) => `${path.join(".")}: ${message}`);
  return new UpstreamError("document_invalid", `not an environment document: ${texts.join("; ")}`);
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    // The parser's own message quotes the document, which is not for logs.
    throw cause instanceof SyntaxError ? notJson() : cause;
  }
}

function packLists(
  document: EnvironmentDocument,
): Pick<PackedDocument, "facts" | "shell" | "featureStates" | "segments"> {
  const { identity_overrides: _, ...rest } = document;
  const shell = { ...rest, feature_states: [], project: { ...rest.project, segments: [] } };
  return {
    facts: {
      apiKey: document.api_key,
      environmentId: document.id == null ? null : scalarText(document.id),
      features: document.feature_states.length,
      announcesChanges: document.project.enable_realtime_updates === true,
    },
    shell: new TextEncoder().encode(JSON.stringify(shell)),
    featureStates: packList(document.feature_states),
    segments: packList(document.project.segments ?? []),
  };
}

function packList(items: readonly unknown[]): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let texts: string[] = [];
  let characters = 0;
  for (const [index, item] of items.entries()) {
    const text = JSON.stringify(item);
    texts.push(text);
    characters += text.length;
    if (characters < pieceCharacters && index < items.length - 1) continue;
    pieces.push(new TextEncoder().encode(`[${texts.join(",")}]`));
    texts = [];
    characters = 0;
  }
  return pieces;
}
