/**
 * Answers that come while their client is still sending can be read (RFC 9112, section 9.6): the connection
 * is closed in order behind them, not reset, and it is not kept for long.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectSecurely, getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, expect, it } from "vitest";
import { lingerBytesMax } from "../../src/services/listener/lingering-close.ts";
import { pem, tlsSection } from "../support/certificates.ts";
import { requestText } from "../support/raw-client.ts";
import { clientKey, getFlags, startProxy } from "../support/running-proxy.ts";

setDefaultCACertificates([...getCACertificates(), pem("authority.pem")]);
const patient = { headers_timeout_seconds: 30, request_timeout_seconds: 30 };
const proxy = await startProxy({ config: { server: patient } });
const secure = await startProxy({ config: { server: { ...patient, tls: tlsSection() } } });
const hasty = await startProxy({
  config: { server: { headers_timeout_seconds: 0.2, request_timeout_seconds: 0.2 } },
});
afterAll(() => Promise.all([proxy, secure, hasty].map((each) => each[Symbol.asyncDispose]())));

const key = `X-Environment-Key: ${clientKey}`;
const length = "Content-Length: 100000000";
const chunked = "Transfer-Encoding: chunked";
/** Also a chunk of 64 KiB, where the body comes in chunks. */
const piece = `10000\r\n${" ".repeat(65_536)}\r\n`;

interface Seen {
  /** What came before the server ended its half. */
  answer: string;
  /** Of reading or writing; null: the connection was closed in order. */
  error: string | null;
  sent: number;
}

async function open(port: number, isSecure: boolean): Promise<Socket> {
  const plain = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const socket = isSecure ? connectSecurely({ socket: plain, rejectUnauthorized: false }) : plain;
  await once(socket, isSecure ? "secureConnect" : "connect");
  return socket;
}

interface SendingOptions {
  readonly isSecure?: boolean;
  /** The client goes on for so long after the server's half has ended. */
  readonly goOnMs?: number;
  readonly pauseMs?: number;
  readonly bytesMax?: number;
}

/** Sends a head and goes on sending its body, also behind the answer, as clients do that do not look. */
async function sendOn(port: number, head: string, options: SendingOptions = {}): Promise<Seen> {
  const { isSecure = false, goOnMs = 200, pauseMs = 20, bytesMax = 3_000_000 } = options;
  const socket = await open(port, isSecure);
  const seen: Seen = { answer: "", error: null, sent: 0 };
  let goOnUntilMs = Number.POSITIVE_INFINITY;
  socket.on("error", (error: NodeJS.ErrnoException) => {
    seen.error = error.code ?? error.message;
  });
  socket.on("data", (bytes: Buffer) => {
    seen.answer += bytes.toString("latin1");
  });
  socket.once("end", () => {
    goOnUntilMs = performance.now() + goOnMs;
  });
  socket.write(head);
  while (!socket.destroyed && performance.now() < goOnUntilMs) {
    if (seen.sent < bytesMax) {
      socket.write(piece);
      seen.sent += piece.length;
    }
    await sleep(pauseMs);
  }
  socket.destroy();
  return seen;
}

const post = (headers: readonly string[], path = "/api/v1/identities/", method = "POST") =>
  requestText(`${method} ${path}`, headers);

const answers: readonly (readonly [string, number, string])[] = [
  ["a length over the limit", 413, post([key, length])],
  ["chunks over the limit", 413, post([key, chunked])],
  ["no key, a length", 401, post([length])],
  ["no key, chunks", 401, post([chunked])],
  ["an unknown path, a length", 404, post([key, length], "/nowhere")],
  ["an unknown path, chunks", 404, post([key, chunked], "/nowhere")],
  ["a wrong method, a length", 405, post([key, length], "/api/v1/flags/")],
  ["a wrong method, chunks", 405, post([key, chunked], "/api/v1/flags/")],
  ["a GET that asks to close", 200, post([key, length, "Connection: close"], "/api/v1/flags/", "GET")],
];

function expectWhole({ answer, error }: Seen, status: number): void {
  expect(error).toBeNull();
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  const [head = "", body = ""] = answer.split("\r\n\r\n", 2);
  // The client is told, too.
  expect(head).toMatch(/^connection: close$/im);
  expect(body.length).toBe(Number(/^content-length: (\d+)$/im.exec(head)?.[1]));
}

it.concurrent.each(answers)("%s: the %i is read by a client that sends on", async (_name, status, head) => {
  expectWhole(await sendOn(proxy.port, head), status);
});

it.concurrent.each(answers)("%s: the %i is read over TLS too", async (_name, status, head) => {
  expectWhole(await sendOn(secure.port, head, { isSecure: true }), status);
});

it.concurrent("who sends without end is cut off at a limit of bytes", async () => {
  const options = { goOnMs: 30_000, pauseMs: 0, bytesMax: Number.POSITIVE_INFINITY };
  const { error, sent } = await sendOn(proxy.port, post([key, length]), options);
  expect(error).toMatch(/ECONNRESET|EPIPE/);
  // The rest lies in the buffers of the two sockets.
  expect(sent).toBeGreaterThan(lingerBytesMax);
  expect((await getFlags(proxy.url)).status).toBe(200);
});

it.concurrent("who sends little by little is cut off at a limit of time", async () => {
  const { error, sent } = await sendOn(proxy.port, post([key, length]), { goOnMs: 30_000, pauseMs: 50 });
  expect(error).toMatch(/ECONNRESET|EPIPE/);
  expect(sent).toBeLessThan(lingerBytesMax);
});

it.concurrent("the limit of the whole request holds for those that linger too", async () => {
  const startMs = performance.now();
  const endedMs = async (port: number) => {
    await sendOn(port, post([key, length]), { goOnMs: 30_000, pauseMs: 50 });
    return performance.now() - startMs;
  };
  const [short, long] = await Promise.all([endedMs(hasty.port), endedMs(proxy.port)]);
  expect(short).toBeLessThan(long);
});
