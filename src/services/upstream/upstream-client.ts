/**
 * The client of the upstream API: fetches one environment's document, conditionally, page by page, within
 * limits of time and size; and, for a proxy key, the list of environments, and reports usage. It must not
 * keep documents, and it never retries what its caller will ask for again.
 */
import { hash } from "node:crypto";
import { UpstreamError } from "../../models/errors.ts";
import type { UpstreamSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { PageBlocks } from "../documents/page-blocks.ts";
import { DocumentDeadline } from "./document-deadline.ts";
import { type Page, type PageRequests, requestChangedPage, requestPage } from "./page-request.ts";
import { isSameOrigin } from "./redirects.ts";
import { UpstreamCircuit } from "./upstream-circuit.ts";
import { UpstreamConnections } from "./upstream-connections.ts";
import { createUpstreamDispatcher, type UpstreamDispatcher } from "./upstream-dispatcher.ts";
import { toUpstreamError } from "./upstream-failures.ts";
import { sendUsageBatch, type UsageBatch, type UsageVerdict } from "./usage-request.ts";

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

/** `not-modified`: the document that the caller holds is still the upstream's. */
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

/** How long the upstream may take. */
export type TimeLimits = Pick<UpstreamSettings, "requestTimeoutMs" | "documentTimeoutMs">;

/** The list of environments as it came. */
export type EnvironmentListing = Pick<FetchedDocument, "pages" | "digest">;

/** The most bytes of a list of environments: some 20,000 of them. It is read on the thread that serves. */
const listBytesMax = 8_388_608;
/** See `ConnectionLimits`. */
const connectionAgeMsMax = 30_000;

/** One for each upstream origin: its connections and its circuit breaker are shared by all environments. */
export class UpstreamClient implements AsyncDisposable {
  #settings: UpstreamSettings;
  readonly #userAgent: string;
  readonly #clock: Clock;
  readonly #documentUrl: URL;
  readonly #listUrl: URL;
  readonly #usageUrl: URL;
  readonly #connections: UpstreamConnections;
  readonly #circuit: UpstreamCircuit;

  /**
   * @param options `userAgent` names this product and its version; `clock` dates the circuit breaker's waits
   */
  constructor(options: { settings: UpstreamSettings; userAgent: string; clock: Clock }) {
    this.#settings = options.settings;
    this.#userAgent = options.userAgent;
    this.#clock = options.clock;
    const { apiUrl } = options.settings;
    this.#documentUrl = new URL(`${apiUrl}/environment-document/`);
    this.#listUrl = new URL(`${apiUrl}/proxy/config/`);
    this.#usageUrl = new URL(`${apiUrl}/proxy/usage/`);
    this.#connections = new UpstreamConnections(dispatcherOf(options.settings));
    this.#circuit = new UpstreamCircuit(options.settings, options.clock);
  }

  /** Count from the next request on; one that runs keeps its own, and its connection. */
  setTimeLimits({ requestTimeoutMs, documentTimeoutMs }: TimeLimits): void {
    const before = this.#settings;
    this.#settings = { ...before, requestTimeoutMs, documentTimeoutMs };
    // Connections know of the limit of one request alone.
    if (before.requestTimeoutMs !== requestTimeoutMs) this.#connections.replace(dispatcherOf(this.#settings));
  }

  /**
   * Fetches one document (contract A11, B 4.3).
   *
   * @returns the document, or `not-modified`, which comes only where `ifModifiedSince` was given
   * @throws UpstreamError for every failure of the upstream, the network or the circuit; the signal's reason
   *   where the caller ended the fetch
   */
  async fetchDocument({ serverKey, ifModifiedSince, signal }: DocumentRequest): Promise<UpstreamAnswer> {
    const headers = { ...this.#readHeaders(), "x-environment-key": serverKey };
    const { documentBytesMax: bytesMax } = this.#settings;
    return await this.#ask(headers, signal, async (requests) => {
      const url = this.#documentUrl;
      const first =
        ifModifiedSince === null
          ? await requestPage(requests, url, bytesMax)
          : await requestChangedPage(requests, url, bytesMax, ifModifiedSince);
      if (first === null) return { kind: "not-modified" };
      return documentOf(await this.#followPages(requests, url, first, bytesMax), first);
    });
  }

  /**
   * Fetches which environments the proxy key opens (contract B 4.2); what is in it is the caller's question.
   *
   * @throws UpstreamError for every failure of the upstream, the network or the circuit; the signal's reason
   *   where the caller ended the fetch
   */
  async fetchEnvironments(signal?: AbortSignal): Promise<EnvironmentListing> {
    const bytesMax = Math.min(listBytesMax, this.#settings.documentBytesMax);
    return await this.#ask(this.#readHeaders(), signal, async (asked) => {
      // Of a list the contract asks for JSON alone, and what is none does not pass for a list.
      const requests = { ...asked, needsMediaType: false };
      const first = await requestPage(requests, this.#listUrl, bytesMax);
      const pages = await this.#followPages(requests, this.#listUrl, first, bytesMax);
      return { pages: pages.map(({ blocks }) => blocks), digest: digestOf(pages) };
    });
  }

  /**
   * Reports usage (contract B 4.4). Sent again under the same key, a batch counts once.
   *
   * @returns whether the upstream has taken it, or will never do so (4xx)
   * @throws UpstreamError where it is to be sent again; the signal's reason where the caller ended it, and
   *   the upstream may have taken it or not
   */
  async sendUsage(batch: UsageBatch, signal?: AbortSignal): Promise<UsageVerdict> {
    return await this.#ask(this.#ownHeaders(), signal, (requests) =>
      sendUsageBatch(requests, this.#usageUrl, batch),
    );
  }

  /** Ends the requests that run and closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }

  /**
   * Sends requests through the circuit, within the limits of time.
   * @throws UpstreamError in place of what undici and zlib throw; the signal's reason
   */
  async #ask<T>(
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
    run: (requests: PageRequests) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const send = async (): Promise<T> => {
      using deadline = new DocumentDeadline(this.#settings, signal ?? null);
      const wallMs = () => this.#clock.wallTime().getTime();
      using inUse = this.#connections.use();
      const shared = { upstream: inUse.upstream, settings: this.#settings };
      try {
        return await run({ ...shared, headers, deadline, wallMs, needsMediaType: true });
      } catch (error) {
        throw deadline.signal.aborted ? deadline.signal.reason : toUpstreamError(error);
      }
    };
    try {
      return await this.#circuit.run(send, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  /** All or nothing: whichever page fails fails the whole, so that half of one is never published. */
  async #followPages(
    requests: PageRequests,
    url: URL,
    first: Page,
    bytesMax: number,
  ): Promise<readonly Page[]> {
    const pages = [first];
    const addresses = new Set([url.href]);
    let bytesLeft = bytesMax - first.bytes;
    for (let next = first.next; next !== null; ) {
      this.#requireFollowable(next, addresses, pages.length);
      addresses.add(next.href);
      const page = await requestPage(requests, next, bytesLeft);
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

  /** Which product asks, and with which proxy key. */
  #ownHeaders(): Readonly<Record<string, string>> {
    const { proxyKey } = this.#settings;
    const named = { "user-agent": this.#userAgent, accept: "application/json" };
    return proxyKey === null ? named : { ...named, "x-proxy-key": proxyKey };
  }

  #readHeaders(): Readonly<Record<string, string>> {
    return { ...this.#ownHeaders(), "accept-encoding": "gzip, br" };
  }
}

function dispatcherOf(settings: UpstreamSettings): UpstreamDispatcher {
  const { connectionsMax, documentBytesMax, requestTimeoutMs } = settings;
  return createUpstreamDispatcher(settings, {
    connectionsMax,
    ageMsMax: connectionAgeMsMax,
    bodyPauseMsMax: requestTimeoutMs,
    bodyBytesMax: documentBytesMax,
  });
}

function digestOf(pages: readonly Page[]): string {
  return hash("sha256", pages.map(({ digest }) => digest).join());
}

function documentOf(pages: readonly Page[], first: Page): FetchedDocument {
  return {
    kind: "document",
    pages: pages.map(({ blocks }) => blocks),
    digest: digestOf(pages),
    lastModified: first.lastModified,
    recentlyChanged: first.recentlyChanged,
  };
}
