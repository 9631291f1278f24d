/**
 * The client of the upstream API: fetches one environment's document, conditionally, page by page, within
 * limits of time and size. It must not keep documents, and it never retries what the poller will ask for
 * again.
 */
import { hash } from "node:crypto";
import { UpstreamError } from "../../models/errors.ts";
import type { UpstreamSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { PageBlocks } from "../documents/page-blocks.ts";
import { DocumentDeadline } from "./document-deadline.ts";
import { isSameOrigin, type Page, type PageRequests, requestPage } from "./page-request.ts";
import { UpstreamCircuit } from "./upstream-circuit.ts";
import { createUpstreamDispatcher, type UpstreamDispatcher } from "./upstream-dispatcher.ts";
import { toUpstreamError } from "./upstream-failures.ts";

/** A whole document, as it came. */
export interface FetchedDocument {
  readonly kind: "document";
  /** At least one; whether they are JSON and make a document is the reader's question. */
  readonly pages: readonly PageBlocks[];
  /** Names the pages: the same bytes have the same. */
  readonly digest: string;
  /** The `Last-Modified` of the first page as the upstream wrote it; null where it sent none. */
  readonly lastModified: string | null;
  /**
   * Whether `lastModified` lies within two seconds of the answer: a second change in the same second would
   * not be seen by a conditional request (contract B 7, trap 13), so the next one must be unconditional.
   */
  readonly recentlyChanged: boolean;
}

export type UpstreamAnswer = FetchedDocument | { readonly kind: "not-modified" };

/** What to fetch. */
export interface DocumentRequest {
  /** The environment's server key (`ser.…`). */
  readonly serverKey: string;
  /**
   * The validator of the document the caller holds; null where it holds none or wants it whatever its date.
   */
  readonly ifModifiedSince: string | null;
  /** Ends the fetch at once; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** See `ConnectionLimits`. */
const connectionAgeMsMax = 30_000;

/** One for each upstream origin: its connections and its circuit breaker are shared by all environments. */
export class UpstreamClient implements AsyncDisposable {
  readonly #settings: UpstreamSettings;
  readonly #userAgent: string;
  readonly #clock: Clock;
  readonly #documentUrl: URL;
  readonly #upstream: UpstreamDispatcher;
  readonly #circuit: UpstreamCircuit;

  /**
   * @param options `userAgent` names this product and its version; `clock` dates the circuit breaker's waits
   */
  constructor(options: { settings: UpstreamSettings; userAgent: string; clock: Clock }) {
    this.#settings = options.settings;
    this.#userAgent = options.userAgent;
    this.#clock = options.clock;
    this.#documentUrl = new URL(`${options.settings.apiUrl}/environment-document/`);
    const { connectionsMax, documentBytesMax: bodyBytesMax, requestTimeoutMs } = options.settings;
    const ageMsMax = connectionAgeMsMax;
    const limits = { connectionsMax, ageMsMax, bodyPauseMsMax: requestTimeoutMs, bodyBytesMax };
    this.#upstream = createUpstreamDispatcher(options.settings, limits);
    this.#circuit = new UpstreamCircuit(options.settings, options.clock);
  }

  /**
   * Fetches one document (contract A11, B 4.3).
   *
   * @returns the document, or `not-modified`, which comes only where `ifModifiedSince` was given
   * @throws UpstreamError for every failure of the upstream, the network or the circuit; the signal's reason
   *   where the caller ended the fetch
   */
  async fetchDocument(request: DocumentRequest): Promise<UpstreamAnswer> {
    request.signal?.throwIfAborted();
    try {
      return await this.#circuit.run(() => this.#fetchPages(request), request.signal);
    } catch (error) {
      request.signal?.throwIfAborted();
      throw error;
    }
  }

  /** Ends the requests that run and closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#upstream.dispatcher.destroy();
  }

  async #fetchPages(request: DocumentRequest): Promise<UpstreamAnswer> {
    using deadline = new DocumentDeadline(this.#settings, request.signal ?? null);
    const requests: PageRequests = {
      upstream: this.#upstream,
      settings: this.#settings,
      headers: this.#requestHeaders(request.serverKey),
      deadline,
      wallMs: () => this.#clock.wallTime().getTime(),
    };
    try {
      const { documentBytesMax } = this.#settings;
      const first = await requestPage(requests, this.#documentUrl, request.ifModifiedSince, documentBytesMax);
      if (first === null) return { kind: "not-modified" };
      return documentOf(await this.#followPages(requests, first), first);
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : toUpstreamError(error);
    }
  }

  /** All or nothing: whichever page fails fails the document, so that half of one is never published. */
  async #followPages(requests: PageRequests, first: Page): Promise<readonly Page[]> {
    const pages = [first];
    const addresses = new Set([this.#documentUrl.href]);
    let bytesLeft = this.#settings.documentBytesMax - first.bytes;
    for (let next = first.next; next !== null; ) {
      this.#requireFollowable(next, addresses, pages.length);
      addresses.add(next.href);
      const page = await requestPage(requests, next, null, bytesLeft);
      // NOTE: a 304 without a condition is an error of the request, never null here.
      if (page === null) break;
      pages.push(page);
      bytesLeft -= page.bytes;
      next = page.next;
    }
    return pages;
  }

  #requireFollowable(next: URL, addresses: ReadonlySet<string>, pagesSoFar: number): void {
    const refuse = (sentence: string): never => {
      throw new UpstreamError("page_refused", sentence);
    };
    if (!isSameOrigin(next, this.#documentUrl)) refuse("The next page of the document is on another origin");
    if (addresses.has(next.href)) refuse("The pages of the document lead back to one of them");
    if (pagesSoFar >= this.#settings.pagesMax) refuse(`The document has more than ${pagesSoFar} pages`);
  }

  #requestHeaders(serverKey: string): Readonly<Record<string, string>> {
    const { proxyKey } = this.#settings;
    return {
      "user-agent": this.#userAgent,
      accept: "application/json",
      "accept-encoding": "gzip, br",
      "x-environment-key": serverKey,
      ...(proxyKey === null ? {} : { "x-proxy-key": proxyKey }),
    };
  }
}

function documentOf(pages: readonly Page[], first: Page): FetchedDocument {
  return {
    kind: "document",
    pages: pages.map(({ blocks }) => blocks),
    digest: hash("sha256", pages.map(({ digest }) => digest).join()),
    lastModified: first.lastModified,
    recentlyChanged: first.recentlyChanged,
  };
}
