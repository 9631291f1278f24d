/**
 * A port that is listened on and never accepted from: connections hang before they are established, as behind
 * a firewall that drops packets (reliability B2). It must not be used for anything that ends by itself.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";

export interface DeafUpstream extends AsyncDisposable {
  readonly apiUrl: string;
}

/** A thread that listens and then sleeps: Node itself accepts whenever its loop turns. */
const deafThread = `
  const { parentPort } = require("node:worker_threads");
  const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** The kernel completes as many handshakes as the backlog holds, so that many are used up first. */
export async function startDeafUpstream(): Promise<DeafUpstream> {
  const thread = new Worker(deafThread, { eval: true });
  const [port] = (await once(thread, "message")) as [number];
  const fillers: Socket[] = Array.from({ length: 8 }, () =>
    connect(port, "127.0.0.1").on("error", () => undefined),
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    apiUrl: `http://127.0.0.1:${port}/api/v1`,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      await thread.terminate();
    },
  };
}
