/**
 * Closes connections whose clients are still sending (RFC 9112, section 9.6). Closed at once, the bytes that
 * nobody has read would be answered by a reset, and a reset may take the answer away before the client has
 * read it. So our half is closed behind the answer, and what still comes is dropped for a while. It keeps
 * nothing of it, and does not know what was answered.
 */
import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Clock } from "../clock.ts";

/** How long what still comes is dropped, in milliseconds; the limit of the whole request holds besides. */
export const lingerMsMax = 2000;
/** How many bytes are dropped before the connection is closed after all. */
export const lingerBytesMax = 4_194_304;

/**
 * A socket with the request that Node's server reads from it. The names are Node's own and undocumented:
 * keeping a list of open requests would cost each of them, and without the names connections are closed at
 * once, as Node does it.
 */
type Connection = Socket & { readonly parser?: { readonly incoming?: IncomingMessage | null } | null };

/** Those of one server. */
export class LingeringConnections {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #lingering = new Set<Socket>();
  #hasEnded = false;

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  /** Has a connection linger where Node's server, or whoever else, closes it behind an answer. */
  watch(connection: Connection): void {
    connection.destroySoon = () => this.#closeBehindAnswer(connection);
  }

  /** Closes those that linger; from now on none does. */
  end(): void {
    this.#hasEnded = true;
    for (const connection of this.#lingering) connection.destroy();
  }

  #closeBehindAnswer(connection: Connection): void {
    if (this.#lingering.has(connection)) return;
    const { complete: isReceived = true } = connection.parser?.incoming ?? {};
    if (isReceived || this.#hasEnded) Socket.prototype.destroySoon.call(connection);
    else this.#linger(connection);
  }

  #linger(connection: Socket): void {
    const closed = new AbortController();
    this.#lingering.add(connection);
    connection.once("close", () => {
      this.#lingering.delete(connection);
      closed.abort();
    });
    // Not by way of the parser any more: chunks of one byte would cost it a thousand times as much.
    connection.removeAllListeners("data");
    let bytes = 0;
    connection.on("data", ({ byteLength }: Buffer) => {
      bytes += byteLength;
      if (bytes > lingerBytesMax) connection.destroy();
    });
    connection.resume();
    // A large answer may take its time, within the limit of its request.
    connection.end(async () => {
      await this.#clock.sleep(lingerMsMax, closed.signal);
      connection.destroy();
    });
  }
}
