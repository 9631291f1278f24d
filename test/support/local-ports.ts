/** Ports of 127.0.0.1: a free one, and a taken one. A free one must be used soon: others may take it. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";

/** Listens on a port of its own until it is disposed of. */
export async function occupyPort(): Promise<{ readonly port: number } & Disposable> {
  const server = await listen();
  return { port: portOf(server), [Symbol.dispose]: () => void server.close() };
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = await listen();
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

async function listen(): Promise<Server> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
