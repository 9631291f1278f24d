/**
 * The time limits of one document, or of a list or a report: one for each request, one for all of them, and
 * the caller's signal, as one abort signal. It must be disposed of, or timers and a listener outlive it.
 */
import { UpstreamError } from "../../models/errors.ts";

/** Aborts with an `UpstreamError` `timeout`, or with the caller's own reason. */
export class DocumentDeadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #requestTimeoutMs: number;
  readonly #documentTimer: NodeJS.Timeout;
  readonly #callerSignal: AbortSignal | null;
  #requestTimer: NodeJS.Timeout | null = null;

  /**
   * @param limits `requestTimeoutMs` for one HTTP request from connect to the last byte, `documentTimeoutMs`
   *   for the whole document
   * @param callerSignal ends the fetch early; null where nobody may
   */
  constructor(
    limits: { readonly requestTimeoutMs: number; readonly documentTimeoutMs: number },
    callerSignal: AbortSignal | null,
  ) {
    this.#requestTimeoutMs = limits.requestTimeoutMs;
    this.#callerSignal = callerSignal;
    this.#documentTimer = this.#abortAfter(limits.documentTimeoutMs, "The document was not complete within");
    // Not `AbortSignal.any`: the caller's signal lives as long as its poller, and would collect dependants.
    if (callerSignal?.aborted === true) this.#abortForCaller();
    callerSignal?.addEventListener("abort", this.#abortForCaller);
  }

  /** For all requests of the document. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the limit of the next request in place of the last one's. */
  startRequest(): void {
    clearTimeout(this.#requestTimer ?? undefined);
    this.#requestTimer = this.#abortAfter(this.#requestTimeoutMs, "The upstream did not answer within");
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#documentTimer);
    clearTimeout(this.#requestTimer ?? undefined);
    this.#callerSignal?.removeEventListener("abort", this.#abortForCaller);
  }

  #abortAfter(limitMs: number, sentence: string): NodeJS.Timeout {
    return setTimeout(() => {
      this.#controller.abort(new UpstreamError("timeout", `${sentence} ${limitMs} ms`));
    }, limitMs);
  }

  readonly #abortForCaller = (): void => {
    this.#controller.abort(this.#callerSignal?.reason);
  };
}
