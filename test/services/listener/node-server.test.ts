/** Connections of clients that are not allowed are closed before HTTP or TLS sees them. */
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { settingsFrom } from "../../../src/config/load-settings.ts";
import { createNodeServer } from "../../../src/services/listener/node-server.ts";
import { tlsSection } from "../../support/certificates.ts";

/** A connection from an address that no test machine has. */
function connectFrom(remoteAddress: string | undefined) {
  const written: string[] = [];
  const socket = new Duplex({
    read: () => undefined,
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  return { socket: Object.assign(socket, { remoteAddress }), written };
}

/** @param thenAllowed networks that are set before the connection comes */
async function answerTo(remoteAddress: string | undefined, server: object, thenAllowed?: readonly string[]) {
  const settings = settingsFrom({ server: { allow_clients: ["10.0.0.0/8", "2001:db8::/32"], ...server } });
  const asked: string[] = [];
  const made = createNodeServer(settings.server, (request, response) => {
    asked.push(request.url ?? "");
    response.end("hello");
  });
  if (thenAllowed !== undefined) made.allowClients(thenAllowed);
  const { socket, written } = connectFrom(remoteAddress);
  made.server.emit("connection", socket);
  // Of TLS no handshake is begun: whoever may ask is waited for.
  if (settings.server.tls === null) socket.push("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  for (let turns = 0; turns < 20; turns += 1) await turn();
  const outcome = { isClosed: socket.destroyed, asked: asked.length, written: written.length > 0 };
  socket.destroy();
  return outcome;
}

const served = { isClosed: false, asked: 1, written: true };
const closed = { isClosed: true, asked: 0, written: false };

it.each(["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "127.0.0.1", "::1"])(
  "%s is served",
  async (address) => {
    expect(await answerTo(address, {})).toEqual(served);
  },
);

it("who may ask is waited for with TLS", async () => {
  expect(await answerTo("10.1.2.3", { tls: tlsSection() })).toMatchObject({ isClosed: false });
});

it.each(["192.0.2.7", "::ffff:192.0.2.7", "2001:db9::1", undefined])("%s is closed", async (address) => {
  expect(await answerTo(address, {})).toEqual(closed);
  expect(await answerTo(address, { tls: tlsSection() })).toEqual(closed);
});

it("behind a proxy the socket's address decides nothing", async () => {
  expect(await answerTo("192.0.2.7", { proxy_headers: true })).toEqual(served);
});

it("without a list everyone is served", async () => {
  expect(await answerTo("192.0.2.7", { allow_clients: [] })).toEqual(served);
});

it("networks may be set anew, also from none and to none", async () => {
  const anew = ["192.0.2.0/24"];
  for (const tls of [null, tlsSection()]) {
    for (const allow_clients of [[], ["10.0.0.0/8"]]) {
      expect(await answerTo("10.1.2.3", { allow_clients, tls }, anew)).toEqual(closed);
      expect(await answerTo("192.0.2.7", { allow_clients, tls }, anew)).toMatchObject({ isClosed: false });
      expect(await answerTo("203.0.113.1", { allow_clients, tls }, [])).toMatchObject({ isClosed: false });
    }
  }
  expect(await answerTo("10.1.2.3", { proxy_headers: true }, anew)).toEqual(served);
});
