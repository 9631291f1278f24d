/**
 * Clients that send a byte now and then and never finish, until the server hangs up (reliability A9). They
 * must not give up by themselves: that they end is what the server has to see to.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface SlowClientsOptions {
  readonly port: number;
  readonly clients: number;
  /** Sent at once. */
  readonly start: string;
  /** Sent again and again; nothing: they are silent. */
  readonly drip: string;
  readonly everyMs: number;
}

/** A crowd at work; disposing of it hangs up. */
export interface SlowClients extends Disposable {
  /** How many the server has not closed yet. */
  readonly open: number;
  /** Of those that it has closed, the status it sent before; null where it sent none. */
  readonly statuses: readonly (number | null)[];
  /** Of those, the longest that one of them was connected. */
  readonly longestMs: number;
  /** Resolves once the server has closed all. */
  readonly ended: Promise<void>;
}

interface SlowClient {
  readonly socket: Socket;
  /** When it was connected, by `performance.now()`. */
  readonly startMs: number;
  readonly received: string;
}

/** Resolves when all are connected. */
export async function startSlowClients(options: SlowClientsOptions): Promise<SlowClients> {
  const open = new Set<SlowClient>();
  const statuses: (number | null)[] = [];
  const ended = Promise.withResolvers<void>();
  let longestMs = 0;
  const close = (client: SlowClient): void => {
    open.delete(client);
    longestMs = Math.max(longestMs, performance.now() - client.startMs);
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(client.received)?.[1];
    statuses.push(status === undefined ? null : Number(status));
    if (statuses.length === options.clients) ended.resolve();
  };
  await Promise.all(Array.from({ length: options.clients }, () => openClient(options, open, close)));
  const drips = setInterval(() => {
    for (const { socket } of open) if (options.drip !== "") socket.write(options.drip, "latin1");
  }, options.everyMs);
  return {
    get open() {
      return open.size;
    },
    statuses,
    get longestMs() {
      return longestMs;
    },
    ended: ended.promise.then(() => clearInterval(drips)),
    [Symbol.dispose]() {
      clearInterval(drips);
      for (const { socket } of open) socket.destroy();
    },
  };
}

async function openClient(
  { port, start }: SlowClientsOptions,
  open: Set<SlowClient>,
  close: (client: SlowClient) => void,
): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let received = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  socket.on("error", () => undefined);
  // A half-closed connection is of no more use to either side.
  socket.on("end", () => socket.destroy());
  await once(socket, "connect");
  const client: SlowClient = {
    socket,
    startMs: performance.now(),
    get received() {
      return received;
    },
  };
  open.add(client);
  socket.once("close", () => close(client));
  socket.write(start, "latin1");
}
