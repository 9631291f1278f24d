/**
 * Looks at a document before it replaces the one that is served: whether it is of the same environment, and
 * whether it lost much at once (reliability 2.5, B16, B17). An upstream that was restored from the wrong
 * backup, or was asked while its caches were empty, answers 200 too.
 */
import { UpstreamError } from "../../models/errors.ts";
import type { DocumentFacts, PackedDocument } from "../../models/packed-document.ts";

/** A document that keeps less of its features than this has to come twice, with no other between. */
const keptShareMin = 0.5;

/** Of one environment. */
export class DocumentGuard {
  readonly #clientKey: string;
  readonly #holdsBackShrunk: boolean;
  #served: DocumentFacts | null = null;
  /** The digest of the document that was held back last. */
  #heldBack: string | null = null;

  /**
   * @param clientKey of the environment, as it is configured or was discovered
   * @param holdsBackShrunk whether a document that lost many features has to be confirmed
   */
  constructor(clientKey: string, holdsBackShrunk: boolean) {
    this.#clientKey = clientKey;
    this.#holdsBackShrunk = holdsBackShrunk;
  }

  /** The document is being served now. */
  accepted({ facts }: Pick<PackedDocument, "facts">): void {
    this.#served = facts;
    this.#heldBack = null;
  }

  /** The upstream said that the served document is still its own: what was held back did not stay. */
  confirmedServed(): void {
    this.#heldBack = null;
  }

  /** @returns why the document may never replace the one that is served; null where it may */
  refusalOf({ facts }: Pick<PackedDocument, "facts">): UpstreamError | null {
    if (this.#served === null || this.#isOwnAtLast(facts)) return null;
    if (isSameEnvironment(this.#served, facts)) return null;
    return new UpstreamError(
      "other_environment",
      "The document is another environment's: its api_key or its id is not that of the one that is served",
    );
  }

  /**
   * Lets a document pass that keeps most features, or that came a second time in a row.
   * @throws UpstreamError `document_shrunk`
   */
  confirm({ digest, facts }: Pick<PackedDocument, "digest" | "facts">): void {
    // What another environment had says nothing of how much there should be.
    const served = this.#isOwnAtLast(facts) ? 0 : (this.#served?.features ?? 0);
    if (!this.#holdsBackShrunk || facts.features >= served * keptShareMin || this.#heldBack === digest)
      return;
    this.#heldBack = digest;
    throw new UpstreamError(
      "document_shrunk",
      `The document suddenly has ${facts.features} features where ${served} are served`,
    );
  }

  /** Whether it is the environment's own by its api_key, and the served one is not (decision 0031). */
  #isOwnAtLast(facts: DocumentFacts): boolean {
    return facts.apiKey === this.#clientKey && this.#served?.apiKey !== this.#clientKey;
  }
}

function isSameEnvironment(served: DocumentFacts, next: DocumentFacts): boolean {
  const isSameId =
    served.environmentId === null ||
    next.environmentId === null ||
    served.environmentId === next.environmentId;
  return served.apiKey === next.apiKey && isSameId;
}
