/** Clients that take nothing of an answer, and those that only look so (reliability A9). */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectSecurely } from "node:tls";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/services/clock.ts";
import { readSendQueues } from "../../../src/services/listener/send-queues.ts";
import { UnreadAnswers } from "../../../src/services/listener/unread-answers.ts";
import { pem } from "../../support/certificates.ts";

const timeoutMs = 1000;
/** A look, and another one, and the machine may be busy. */
const patienceMs = 10 * timeoutMs;
/** More than the buffers of a loopback connection hold. */
const body = Buffer.alloc(48 * 1024 * 1024);
const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

async function startServer(isSecure: boolean, listener: RequestListener) {
  const server: Server = isSecure
    ? createSecureServer({ cert: pem("server.pem"), key: pem("server-key.pem") }, listener)
    : createServer(listener);
  const connections = new Set<Socket>();
  server.on(isSecure ? "secureConnection" : "connection", (connection: Socket) => {
    connections.add(connection.once("close", () => connections.delete(connection)));
    connection.on("error", () => undefined);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const ending = new AbortController();
  void new UnreadAnswers({ connections, timeoutMs, clock: systemClock }).cutUntil(ending.signal);
  return {
    connections,
    async open(): Promise<Socket> {
      const socket = isSecure
        ? connectSecurely({ port, host: "127.0.0.1", rejectUnauthorized: false })
        : connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      await once(socket, isSecure ? "secureConnect" : "connect");
      socket.pause().write(request);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function eventually(holds: () => boolean): Promise<number> {
  const startMs = performance.now();
  while (!holds() && performance.now() - startMs < patienceMs) await sleep(10);
  expect(holds()).toBe(true);
  return performance.now() - startMs;
}

it.concurrent.each([false, true])(
  "who takes nothing is cut, whatever it goes on to send (TLS: %s)",
  async (isSecure) => {
    await using server = await startServer(isSecure, (_, response) => response.end(body));
    const socket = await server.open();
    await eventually(() => server.connections.size === 1);
    const asking = setInterval(() => socket.write(request), timeoutMs / 5);
    expect(await eventually(() => server.connections.size === 0)).toBeGreaterThan(timeoutMs);
    clearInterval(asking);
    socket.destroy();
  },
);

it.concurrent.each([false, true])("who takes little and steadily is not (TLS: %s)", async (isSecure) => {
  await using server = await startServer(isSecure, (_, response) => response.end(body));
  const socket = await server.open();
  // The kernel makes room for more of the answer only after two seconds of this.
  const reading = setInterval(() => socket.read(Math.min(14_000, socket.readableLength)), 20);
  await sleep(4 * timeoutMs);
  expect(server.connections.size).toBe(1);
  clearInterval(reading);
  await eventually(() => server.connections.size === 0);
  socket.destroy();
});

it.concurrent.each<[string, RequestListener]>([
  ["an idle connection", (_, response) => response.end("short")],
  ["one whose answer is in the making", () => undefined],
  ["a stream between two comments", (_, response) => void response.write("retry: 1\n\n")],
])("%s is not cut", async (_, listener) => {
  await using server = await startServer(false, listener);
  const socket = await server.open();
  await sleep(3 * timeoutMs);
  expect(server.connections.size).toBe(1);
  socket.destroy();
});

it("what the kernel holds of a socket is told by its descriptor, of others nothing", async () => {
  await using server = await startServer(false, (_, response) => response.end(body));
  const sockets = [await server.open(), await server.open()];
  await eventually(() => server.connections.size === 2);
  const descriptors = [...server.connections].map(
    (connection) => (connection as Socket & { _handle: { fd: number } })._handle.fd,
  );
  const queues = await readSendQueues([...descriptors, 1, 1_000_000]);
  expect([...(queues?.keys() ?? [])].sort()).toEqual([...descriptors].sort());
  for (const queue of queues?.values() ?? []) expect(queue).toBeGreaterThan(0);
  for (const socket of sockets) socket.destroy();
});
