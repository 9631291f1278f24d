/**
 * The process of a network relay: takes connections and hands their bytes on, as slowly as it is told to.
 * What is lost on a real network comes late here: TCP sends it again after a fifth of a second, and doubles
 * that.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What the relay makes of the network; sent to it over IPC. */
export interface RelayNetwork {
  readonly delayMs: number;
  /** The share of pieces that are lost, each time they are sent. */
  readonly lossRatio: number;
}

const resendMs = 200;

class Relay {
  network: RelayNetwork = { delayMs: 0, lossRatio: 0 };

  /** Connects both ways. */
  join(client: Socket, port: number): void {
    const upstream = connect(port, "127.0.0.1");
    this.#hand(client, upstream);
    this.#hand(upstream, client);
  }

  /** Bytes leave in the order in which they came, so each waits for those before it. */
  #hand(from: Socket, to: Socket): void {
    let readyMs = 0;
    const later = (act: () => void): void => {
      readyMs = Math.max(readyMs, performance.now() + this.#latencyMs());
      setTimeout(act, Math.max(1, readyMs - performance.now()));
    };
    from.on("data", (bytes: Buffer) => later(() => to.write(bytes)));
    from.on("close", () => later(() => to.destroy()));
    from.on("error", () => undefined);
  }

  #latencyMs(): number {
    const { delayMs, lossRatio } = this.network;
    let latencyMs = delayMs;
    for (let waitMs = resendMs; Math.random() < lossRatio && waitMs < 10_000; waitMs *= 2)
      latencyMs += waitMs;
    return latencyMs;
  }
}

const relay = new Relay();
const upstreamPort = Number(process.argv[2]);
// A short queue: while this process is stopped, hardly a connection is made.
const server = createServer((client) => relay.join(client, upstreamPort));
server.listen({ port: 0, host: "127.0.0.1", backlog: 1 });
await once(server, "listening");
process.on("message", (network: RelayNetwork) => {
  relay.network = network;
});
process.on("disconnect", () => process.exit(0));
process.send?.((server.address() as AddressInfo).port);
