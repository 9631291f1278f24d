/**
 * What a poller remembers of the document it published and of one that was refused since: enough to ask for
 * changes only, and to recognise the same bytes. It must not keep the bytes themselves.
 */
import type { UpstreamError } from "../../models/errors.ts";
import type { FetchedDocument } from "../upstream/upstream-client.ts";
import { recentMs } from "../upstream/upstream-headers.ts";

/** The validator of one environment; owned by its poller. */
export class RefreshValidator {
  readonly #unconditionalEveryPolls: () => number;
  #published: { readonly digest: string; readonly updatedAt: Date | null } | null = null;
  /** Null where the last document whose fate is known was published. */
  #refused: { readonly digest: string; readonly error: UpstreamError } | null = null;
  /** Of the last document whose fate is known. */
  #ifModifiedSince: string | null = null;
  #mayAskConditionally = false;
  #pollsSinceUnconditional = 0;

  /** @param unconditionalEveryPolls one poll in so many is unconditional; 1: each */
  constructor(unconditionalEveryPolls: () => number) {
    this.#unconditionalEveryPolls = unconditionalEveryPolls;
  }

  /** Whether any document was published. */
  get holdsDocument(): boolean {
    return this.#published !== null;
  }

  /** What a 304 to the last conditional request means: still published (null), or refused still, and why. */
  get refusal(): UpstreamError | null {
    return this.#refused?.error ?? null;
  }

  /** Whether it is the published document. */
  isPublished({ digest }: FetchedDocument): boolean {
    return this.#published?.digest === digest;
  }

  /** @returns why these bytes were refused before, null where they were not: they need not be read again */
  refusalOf({ digest }: FetchedDocument): UpstreamError | null {
    return this.#refused?.digest === digest ? this.#refused.error : null;
  }

  /**
   * What the next request asks: null before a document was published or refused, after any other failure,
   * with another server key, when the last one was changed within the last two seconds of its fetch, and
   * once in `unconditionalEveryPolls` polls, as identity overrides may change without a new date (contract
   * A11, B 2.6).
   * @param polls as many as there were to be since the last one: more than 1 where they come more seldom
   */
  nextIfModifiedSince(polls: number): string | null {
    const pollsSince = this.#pollsSinceUnconditional + polls;
    const isDue = pollsSince >= this.#unconditionalEveryPolls();
    const condition = this.#mayAskConditionally && !isDue ? this.#ifModifiedSince : null;
    this.#pollsSinceUnconditional = condition === null ? 0 : pollsSince;
    return condition;
  }

  /**
   * The document was published.
   * @param updatedAt its own time of change, which stands in where the upstream sends no `Last-Modified`
   * @param wallTime now, to tell whether that time is recent
   */
  published(document: FetchedDocument, updatedAt: Date | null, wallTime: Date): void {
    this.#published = { digest: document.digest, updatedAt };
    this.confirmed(document, wallTime);
  }

  /** The bytes that are held came again, maybe with a newer date. */
  confirmed(document: FetchedDocument, wallTime: Date): void {
    this.#refused = null;
    if (document.lastModified !== null) {
      this.#rememberDate(document);
      return;
    }
    const updatedMs = this.#published?.updatedAt?.getTime() ?? Number.NaN;
    this.#ifModifiedSince = Number.isNaN(updatedMs) ? null : new Date(updatedMs).toUTCString();
    this.#mayAskConditionally = wallTime.getTime() - updatedMs > recentMs;
  }

  /** The document was refused, and would be again. */
  refused(document: FetchedDocument, error: UpstreamError): void {
    this.#refused = { digest: document.digest, error };
    this.#rememberDate(document);
  }

  /**
   * Something else went wrong, or another server key is sent: what the upstream holds now is unknown until it
   * sends it.
   */
  askInFull(): void {
    this.#mayAskConditionally = false;
  }

  #rememberDate({ lastModified, recentlyChanged }: FetchedDocument): void {
    this.#ifModifiedSince = lastModified;
    this.#mayAskConditionally = !recentlyChanged;
  }
}
