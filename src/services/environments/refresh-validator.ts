/**
 * What a poller remembers of the document it published: enough to ask for changes only, and to recognise the
 * same text. It must not keep the text itself.
 */
import type { FetchedDocument } from "../upstream/upstream-client.ts";

/** Two seconds: the whole seconds of HTTP dates, and some skew (contract B 7, trap 13). */
const recentMs = 2000;

/** The validator of one environment; owned by its poller. */
export class RefreshValidator {
  readonly #unconditionalEveryPolls: number;
  #digest: string | null = null;
  #updatedAt: Date | null = null;
  #ifModifiedSince: string | null = null;
  #mayAskConditionally = false;
  #pollsSinceUnconditional = 0;

  /** @param unconditionalEveryPolls one poll in so many is unconditional; 1: each */
  constructor(unconditionalEveryPolls: number) {
    this.#unconditionalEveryPolls = unconditionalEveryPolls;
  }

  get holdsDocument(): boolean {
    return this.#digest !== null;
  }

  /** Names the content of the published document; null before the first. */
  get digest(): string | null {
    return this.#digest;
  }

  /**
   * What the next request asks: null without a document, after any failure, when the held one was changed
   * within the last two seconds of its fetch, and once in `unconditionalEveryPolls` polls, as identity
   * overrides may change without a new date (contract A11, B 2.6).
   * @param isUnconditional the caller wants the document whatever its date
   */
  nextIfModifiedSince(isUnconditional: boolean): string | null {
    const isDue = isUnconditional || this.#pollsSinceUnconditional + 1 >= this.#unconditionalEveryPolls;
    const condition =
      this.holdsDocument && this.#mayAskConditionally && !isDue ? this.#ifModifiedSince : null;
    this.#pollsSinceUnconditional = condition === null ? 0 : this.#pollsSinceUnconditional + 1;
    return condition;
  }

  /**
   * The document was published.
   * @param published its digest, and its own time of change, which stands in where the upstream sends no
   *   `Last-Modified`
   * @param wallTime now, to tell whether that time is recent
   */
  published(
    document: FetchedDocument,
    published: { readonly digest: string; readonly updatedAt: Date | null },
    wallTime: Date,
  ): void {
    this.#digest = published.digest;
    this.#updatedAt = published.updatedAt;
    this.confirmed(document, wallTime);
  }

  /** The text that is held came again, maybe with a newer date. */
  confirmed(document: FetchedDocument, wallTime: Date): void {
    if (document.lastModified !== null) {
      this.#ifModifiedSince = document.lastModified;
      this.#mayAskConditionally = !document.recentlyChanged;
      return;
    }
    const updatedMs = this.#updatedAt?.getTime() ?? Number.NaN;
    this.#ifModifiedSince = Number.isNaN(updatedMs) ? null : new Date(updatedMs).toUTCString();
    this.#mayAskConditionally = wallTime.getTime() - updatedMs > recentMs;
  }

  /** Something went wrong: what the upstream holds now is unknown until it sends it. */
  failed(): void {
    this.#mayAskConditionally = false;
  }
}
