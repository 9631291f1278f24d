/**
 * An upstream that keeps the proxy's poll waiting until it is told to answer it, each time with another
 * version of its document: so a benchmark knows when a publish begins and when it ended.
 */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Settings under which the proxy asks again at once, and waits for the answer as long as it takes. */
export const changingSettings: Readonly<Record<string, string>> = {
  API_POLL_FREQUENCY_SECONDS: "0.1",
  POLLING__JITTER_RATIO: "0",
  API_POLL_TIMEOUT_SECONDS: "300",
  UPSTREAM__DOCUMENT_TIMEOUT_SECONDS: "600",
};

const answerLimitMs = 60_000;
/** The last digits of the document's `updated_at`: they are the version. */
const versionDigits = 6;

export class ChangingUpstream implements AsyncDisposable {
  readonly #server: Server;
  readonly #document: Buffer;
  readonly #versionPlace: number;
  #version = 0;
  /** The poll that waits for its answer. */
  #waiting = Promise.withResolvers<ServerResponse>();

  private constructor(documentText: string) {
    this.#document = Buffer.from(documentText);
    this.#versionPlace = this.#document.indexOf('Z"', this.#document.indexOf('"updated_at"')) - versionDigits;
    this.#server = createServer((_request, response) => {
      // The first is what the proxy starts with.
      if (this.#version === 0) this.#answer(response);
      else this.#waiting.resolve(response);
    });
  }

  /** @param documentText of one environment, with an `updated_at` in microseconds */
  static async start(documentText: string): Promise<ChangingUpstream> {
    const upstream = new ChangingUpstream(documentText);
    upstream.#server.listen(0, "127.0.0.1");
    await once(upstream.#server, "listening");
    return upstream;
  }

  /** The `api_url` to configure. */
  get apiUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/v1`;
  }

  get documentBytes(): number {
    return this.#document.byteLength;
  }

  /**
   * Answers with another version.
   * @returns once the proxy asks again: all its processes serve the version then
   * @throws Error where it does not ask within a minute
   */
  async publish(): Promise<void> {
    const response = await this.#poll();
    this.#waiting = Promise.withResolvers();
    this.#answer(response);
    await this.#poll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close().closeAllConnections();
  }

  async #poll(): Promise<ServerResponse> {
    const limit = new AbortController();
    const late = once(AbortSignal.timeout(answerLimitMs), "abort", { signal: limit.signal }).then(() => {
      throw new Error(`the proxy did not ask for its document within ${answerLimitMs / 1000} s`);
    });
    try {
      return await Promise.race([this.#waiting.promise, late]);
    } finally {
      late.catch(() => undefined);
      limit.abort();
    }
  }

  #answer(response: ServerResponse): void {
    this.#version += 1;
    this.#document.write(String(this.#version).padStart(versionDigits, "0"), this.#versionPlace, "latin1");
    const headers = { "content-type": "application/json", "content-length": this.#document.byteLength };
    // A copy: the socket may still hold on to the bytes when the next version is written.
    response.writeHead(200, headers).end(Buffer.from(this.#document));
  }
}
