/**
 * Opens the upstream's event streams: one GET that goes on for as long as both sides live. It sends no key in
 * a header, follows no redirect to another origin, and does not know what events mean.
 */
import type { Dispatcher } from "undici";
import { UpstreamError } from "../../models/errors.ts";
import type { UpstreamEventsSettings, UpstreamSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import { codeOfStatus } from "./page-request.ts";
import { followRedirects } from "./redirects.ts";
import { type Answer, request, throwAway } from "./undici-parts.ts";
import { type ConnectionsInUse, UpstreamConnections } from "./upstream-connections.ts";
import { createUpstreamDispatcher, type UpstreamDispatcher } from "./upstream-dispatcher.ts";
import { toUpstreamError } from "./upstream-failures.ts";
import { contentEncoding, mediaType, retryAfterMs } from "./upstream-headers.ts";

/** Which stream to open. */
export interface EventStreamRequest {
  /** In the path, as SDKs have it (contract B 1.8). */
  readonly clientKey: string;
  /** The last event that was seen; null where none had an id. */
  readonly lastEventId: string | null;
  /** Ends the request and the stream; must not outlive them. */
  readonly signal: AbortSignal;
}

export interface EventStreamClientOptions {
  readonly settings: Pick<UpstreamEventsSettings, "url" | "silenceMsMax">;
  /** Whose certificates, forward proxies and limits hold for streams too. */
  readonly upstream: UpstreamSettings;
  readonly userAgent: string;
  readonly clock: Pick<Clock, "wallTime">;
}

/** One for all streams; they share nothing but settings: each has a connection of its own. */
export class EventStreamClient implements AsyncDisposable {
  readonly #options: EventStreamClientOptions;
  readonly #connections: UpstreamConnections;
  #requestTimeoutMs: number;

  constructor(options: EventStreamClientOptions) {
    this.#options = options;
    this.#requestTimeoutMs = options.upstream.requestTimeoutMs;
    this.#connections = new UpstreamConnections(this.#createDispatcher());
  }

  /** Counts from the next stream on; those that run go on. */
  setTimeLimits({ requestTimeoutMs }: Pick<UpstreamSettings, "requestTimeoutMs">): void {
    if (requestTimeoutMs === this.#requestTimeoutMs) return;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#connections.replace(this.#createDispatcher());
  }

  /**
   * Resolves when the upstream has begun to answer with an event stream.
   * @returns its bytes as they come; leaving the iteration closes the connection. It throws an UpstreamError
   *   where the stream breaks, or pauses for too long
   * @throws UpstreamError for every failure of the upstream and the network; the signal's reason
   */
  async open(stream: EventStreamRequest): Promise<AsyncIterable<Uint8Array>> {
    const requestTimeoutMs = this.#requestTimeoutMs;
    const ending = new AbortController();
    const end = (): void => ending.abort(stream.signal.reason);
    if (stream.signal.aborted) end();
    stream.signal.addEventListener("abort", end, { once: true });
    const timer = setTimeout(() => {
      const sentence = `The upstream did not begin an event stream within ${requestTimeoutMs} ms`;
      ending.abort(new UpstreamError("timeout", sentence));
    }, requestTimeoutMs);
    const inUse = this.#connections.use();
    try {
      const answer = await this.#request(stream, inUse.upstream.dispatcher, ending.signal);
      return bytesOf(answer, inUse, ending.signal);
    } catch (error) {
      inUse[Symbol.dispose]();
      throw ending.signal.aborted ? ending.signal.reason : toUpstreamError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }

  #createDispatcher(): UpstreamDispatcher {
    const { settings, upstream } = this.#options;
    return createUpstreamDispatcher(
      { ...upstream, apiUrl: settings.url, requestTimeoutMs: this.#requestTimeoutMs },
      { connectionsMax: null, ageMsMax: null, bodyPauseMsMax: settings.silenceMsMax, bodyBytesMax: null },
    );
  }

  async #request(
    { clientKey, lastEventId }: EventStreamRequest,
    dispatcher: Dispatcher,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { settings, upstream, userAgent } = this.#options;
    const headers = {
      "user-agent": userAgent,
      accept: "text/event-stream",
      "accept-encoding": "identity",
      "cache-control": "no-cache",
      ...(lastEventId === null ? {} : { "last-event-id": lastEventId }),
    };
    const url = new URL(`sse/environments/${encodeURIComponent(clientKey)}/stream`, settings.url);
    const ask = (target: URL) => request(target, dispatcher, { method: "GET", headers, signal });
    const { answer } = await followRedirects(url, ask, upstream.redirectsMax);
    try {
      this.#requireStream(answer);
      return answer;
    } catch (error) {
      throwAway(answer);
      throw error;
    }
  }

  #requireStream({ statusCode, headers }: Answer): void {
    const { clock, upstream } = this.#options;
    if (statusCode !== 200) {
      const askedMs = retryAfterMs(headers, clock.wallTime().getTime(), upstream.retryAfterMaxMs);
      throw new UpstreamError(codeOfStatus(statusCode), `The upstream answered ${statusCode}`, {
        retryAfterMs: askedMs,
      });
    }
    if (mediaType(headers) !== "text/event-stream") {
      throw new UpstreamError("unexpected_status", "The upstream's answer is no event stream");
    }
    if (contentEncoding(headers) !== "identity") {
      throw new UpstreamError("bad_encoding", "The upstream's event stream is compressed, unasked");
    }
  }
}

async function* bytesOf(
  answer: Answer,
  inUse: ConnectionsInUse,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  using _connections = inUse;
  try {
    yield* answer.body;
  } catch (error) {
    throw signal.aborted ? signal.reason : toUpstreamError(error);
  } finally {
    throwAway(answer);
  }
}
