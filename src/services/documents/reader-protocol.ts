/**
 * What a proxy and the program that reads its large documents say to each other. Both are of one build: how a
 * packed document is laid out may differ in another.
 */
import type { UpstreamErrorCode } from "../../models/errors.ts";
import type { PackedLayout } from "./packed-layout.ts";

/** The order's first line on the program's standard input, as JSON; the pages follow it. */
export interface ReadOrder {
  /** Of the proxy that asks. */
  readonly build: string;
  /** How many bytes each page has; they follow each other. */
  readonly pageBytes: readonly number[];
}

/** What became of the document: one line of JSON. Only after a layout come buffers, in its order. */
export type ReadAnswer =
  | { readonly layout: PackedLayout }
  | { readonly fault: { readonly code: UpstreamErrorCode; readonly message: string } }
  /** The stack of an error that is no `UpstreamError`. */
  | { readonly bug: string }
  /** The program is of another build than the order; it read nothing. */
  | { readonly otherBuild: string };

/** The program's descriptor for its answer: standard output belongs to whatever is preloaded. */
export const answerStream = 3;

/** Names this build: `build/bundle.ts` writes a digest of all that ships in place of this text. */
export const buildIdentity = "@@build-identity@@";
