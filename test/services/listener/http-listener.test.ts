/** A drain and clients that take their answers slowly (reliability 2.9). */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import type { ServerSettings } from "../../../src/models/settings.ts";
import { HttpListener } from "../../../src/services/listener/http-listener.ts";
import { lingerMsMax } from "../../../src/services/listener/lingering-close.ts";
import { pem } from "../../support/certificates.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

/** More than the buffers of a loopback connection hold. */
const bodyBytes = 48 * 1024 * 1024;
const drainTimeoutMs = 10_000;
const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

async function startListener(
  server: Server = createServer((_, response) => response.end(Buffer.alloc(bodyBytes))),
) {
  const clock = new FakeClock();
  const { logger, lines } = createRecordingLogger();
  const timeouts = { drainTimeoutMs, drainDelayMs: 0, writeTimeoutMs: 3_600_000 };
  const settings = { host: "127.0.0.1", port: 0, backlog: 10, connectionsMax: null, ...timeouts };
  const listener = new HttpListener({
    server,
    section: "server",
    settings: settings as ServerSettings,
    clock,
    logger,
  });
  const port = Number(new URL(await listener.listen()).port);
  return { clock, lines, listener, port };
}

/** A client that asked, got the beginning of its answer, and takes no more for the time being. */
async function askAndPause(port: number) {
  const socket = connect(port, "127.0.0.1");
  let bytes = 0;
  const closed = once(socket, "close");
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes - chunk.byteLength === 0) socket.pause();
  });
  socket.write(request);
  while (bytes === 0) await turn();
  return {
    async takeAll(): Promise<number> {
      socket.resume();
      await closed;
      return bytes;
    },
  };
}

it("an answer that a slow client has yet to take is not cut off", async () => {
  const { clock, listener, port } = await startListener();
  const client = await askAndPause(port);
  const drained = listener.drain();
  await clock.advance(drainTimeoutMs - 1);
  expect(await client.takeAll()).toBeGreaterThan(bodyBytes);
  await drained;
});

it("a client that takes nothing is cut off at the end of the drain's time", async () => {
  const { clock, listener, port } = await startListener();
  const client = await askAndPause(port);
  const drained = listener.drain();
  await clock.advance(drainTimeoutMs);
  await drained;
  expect(await client.takeAll()).toBeLessThan(bodyBytes);
});

it("a client that is idle does not hold a drain up", async () => {
  const { clock, listener, port } = await startListener();
  const idle = connect(port, "127.0.0.1");
  await once(idle, "connect");
  const closed = once(idle, "close");
  const drained = listener.drain();
  await clock.advance(drainTimeoutMs - 1);
  await Promise.all([drained, closed]);
});

it("a client that has begun no handshake does not hold a drain up", async () => {
  const server = createSecureServer({ cert: pem("server.pem"), key: pem("server-key.pem") });
  const { clock, listener, port } = await startListener(server);
  const silent = connect(port, "127.0.0.1");
  await once(silent, "connect");
  const closed = once(silent, "close");
  const drained = listener.drain();
  await clock.advance(drainTimeoutMs - 1);
  await Promise.all([drained, closed]);
});

/** A client that got its whole answer, and has sent a part of its request's body; it keeps its half open. */
async function lingerWith(port: number) {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const closed = once(socket, "close").catch(() => undefined);
  socket.on("error", () => undefined);
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{");
  await once(socket.resume(), "end");
  return { socket, closed };
}

const refuseBodies = () =>
  createServer((_, response) => response.writeHead(413, { connection: "close" }).end("too large"));
const isReset = async (socket: Socket) => {
  if (!socket.destroyed) socket.write("more");
  await turn();
  return socket.destroyed;
};

it("a client that is still sending is closed at the end of the time to linger, not before", async () => {
  const { clock, listener, port } = await startListener(refuseBodies());
  const sleepers = clock.sleepers;
  const { socket, closed } = await lingerWith(port);
  while (clock.sleepers === sleepers) await turn();
  await clock.advance(lingerMsMax - 1);
  for (let sent = 0; sent < 20; sent += 1) expect(await isReset(socket)).toBe(false);
  await clock.advance(1);
  while (!(await isReset(socket)));
  await closed;
  const drained = listener.drain();
  await clock.advance(0);
  await drained;
});

it("a client that is still sending behind its answer does not hold a drain up", async () => {
  const { clock, listener, port } = await startListener(refuseBodies());
  const { socket, closed } = await lingerWith(port);
  const drained = listener.drain();
  await clock.advance(0);
  await drained;
  while (!(await isReset(socket)));
  await closed;
});

it("connections that cannot be accepted are told once, and end nothing", async () => {
  const server = createServer();
  const { lines } = await startListener(server);
  for (let each = 0; each < 3; each += 1)
    server.emit("error", Object.assign(new Error(), { code: "EMFILE" }));
  expect(lines.map(({ level, fields }) => [level, fields])).toEqual([["warn", { reason: "EMFILE" }]]);
  server.close();
});
