/**
 * Many clients that hold streams open, as raw sockets, so that they cost the benchmark little. They see that
 * an event came, and read nothing else of it.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** At the same time: more would wait for each other in the proxy's backlog. */
const batch = 100;
/** Of 127.0.0.0/8: the ports of one address are not enough for some systems. */
const addresses = 8;
const openMsMax = 60_000;

export interface Told {
  /** On the clock of `performance.now()`. */
  readonly firstMs: number;
  readonly lastMs: number;
}

export class StreamClients implements Disposable {
  readonly #sockets: Socket[] = [];
  readonly #port: number;
  readonly #path: string;
  #told = 0;
  #firstMs = 0;
  #done: PromiseWithResolvers<Told> | null = null;

  /** @param clientKey of the environment whose streams are opened */
  constructor(port: number, clientKey: string) {
    this.#port = port;
    this.#path = `/sse/environments/${encodeURIComponent(clientKey)}/stream`;
  }

  /** Resolves when so many more streams have begun. @throws Error where one does not */
  async open(count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += batch) {
      const size = Math.min(batch, count - opened);
      await Promise.all(Array.from({ length: size }, (_, index) => this.#openOne(opened + index)));
    }
  }

  /** @returns when the first and the last client has got the next event, the keep-alives passed over */
  nextEvent(): Promise<Told> {
    this.#told = 0;
    this.#done = Promise.withResolvers<Told>();
    return this.#done.promise;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #openOne(number: number): Promise<void> {
    const localAddress = `127.0.0.${2 + (number % addresses)}`;
    const socket = connect({ port: this.#port, host: "127.0.0.1", localAddress });
    this.#sockets.push(socket);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("a stream ended")));
    socket.on("data", (bytes: Buffer) => {
      const text = bytes.toString("latin1");
      if (text.startsWith("HTTP/1.1 200 ")) resolve();
      else if (text.startsWith("HTTP/")) reject(new Error(`a stream was refused: ${text.slice(0, 40)}`));
      else if (text.includes("environment_updated")) this.#take();
    });
    const lines = [`GET ${this.#path} HTTP/1.1`, "Host: bench", "Accept: text/event-stream", "", ""];
    socket.write(lines.join("\r\n"));
    await Promise.race([promise, late()]);
  }

  #take(): void {
    const nowMs = performance.now();
    this.#told += 1;
    if (this.#told === 1) this.#firstMs = nowMs;
    if (this.#told === this.#sockets.length) this.#done?.resolve({ firstMs: this.#firstMs, lastMs: nowMs });
  }
}

async function late(): Promise<never> {
  await sleep(openMsMax, undefined, { ref: false });
  throw new Error(`a stream did not begin within ${openMsMax / 1000} s`);
}
