/**
 * A9 and A4: crowds that send or read slowly beside ordinary clients. Who sends slowly is closed by the time
 * limits of the settings; who reads slowly costs next to nothing; nobody else notices.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { manyOverrides } from "../../bench/large-documents.ts";
import { countsOf } from "../../bench/load-outcomes.ts";
import { OpenLoop } from "../../bench/open-loop.ts";
import { memoryOf } from "../../bench/process-status.ts";
import { profileDocument } from "../../bench/profile-document.ts";
import { RawConnection, requestText } from "../support/raw-client.ts";
import { clientKey, eventually, serverKey } from "../support/running-proxy.ts";
import { startServing } from "../support/serving-process.ts";
import { type SlowClients, startSlowClients } from "../support/slow-clients.ts";
import { scaled } from "./fault-scale.ts";

const attackers = scaled(2000, 200);
const ordinaryPerSecond = scaled(200, 50);
const patienceMs = 60_000;
const readers = 50;
const slowReaders = scaled(20, 10);
/** More than the buffers of a loopback connection hold, by far. */
const documentBytes = scaled(30_000_000, 16_000_000);

const key = `X-Environment-Key: ${clientKey}`;
const json = "Content-Type: application/json";

/** Clients as there are every day. */
function startOrdinary(port: number): OpenLoop {
  const headers = { "x-environment-key": clientKey, "content-type": "application/json" };
  const requests = [
    { method: "GET", path: "/api/v1/flags/", headers, bodies: "none" },
    { method: "POST", path: "/api/v1/identities/", headers, bodies: "distinct" },
  ] as const;
  return new OpenLoop({ port, requests, perSecond: ordinaryPerSecond, connections: 32, patienceMs });
}

it(`A9 ${attackers} slow clients are closed by the limits, and ordinary ones are served`, {
  timeout: 3 * patienceMs,
}, async () => {
  // The defaults; or shorter ones, far apart, so that their order can be told beside other tests.
  const limits = scaled({}, { headers_timeout_seconds: 2, request_timeout_seconds: 6 });
  await using serving = await startServing({ config: { server: limits } });
  const { port } = serving;
  await using ordinary = startOrdinary(port);
  await using kept = await RawConnection.open(port);
  const askKept = async () => (await kept.send(requestText("GET /api/v1/flags/", [key])).response()).status;
  expect(await askKept()).toBe(200);
  const crowdOf = (start: string, drip: string) =>
    startSlowClients({ port, clients: attackers / 4, start, drip, everyMs: 200 });
  const unfinished = requestText("GET /api/v1/flags/", [key]).slice(0, -4);
  const postOf = (...headers: string[]) => requestText("POST /api/v1/identities/", [key, json, ...headers]);
  using silent = await crowdOf("", "");
  using inHeaders = await crowdOf(`${unfinished}\r\nX-Slow: `, "a");
  using inBody = await crowdOf(postOf("Content-Length: 1000"), " ");
  using inChunks = await crowdOf(postOf("Transfer-Encoding: chunked"), "1\r\n \r\n");
  const inTime = () => inBody.open + inChunks.open;
  // The limit of headers is over, and that of whole requests is not.
  expect(await Promise.all([silent, inHeaders].map((each) => each.ended.then(inTime)))).toEqual(
    Array(2).fill(attackers / 2),
  );
  await Promise.all([inBody.ended, inChunks.ended]);
  const secondsOf = (...crowds: readonly SlowClients[]) =>
    (Math.max(...crowds.map(({ longestMs }) => longestMs)) / 1000).toFixed(1);
  process.stdout.write(
    `A9: of ${attackers}, closed after ${secondsOf(silent, inHeaders)} s at most in their headers, ` +
      `after ${secondsOf(inBody, inChunks)} s in their bodies\n`,
  );
  for (const { statuses } of [silent, inHeaders, inBody, inChunks]) {
    expect(statuses).toHaveLength(attackers / 4);
    // A byte that is on its way when the server closes takes the answer with it.
    expect([...new Set(statuses)].filter((status) => status !== 408 && status !== null)).toEqual([]);
  }
  expect(silent.statuses).toEqual(Array(attackers / 4).fill(408));
  expect(await askKept()).toBe(200);
  expect(countsOf(await ordinary.stop())).toEqual({ "200": expect.any(Number) });
});

/** Reads a little now and then, until told to take all. */
class SlowReader {
  readonly #socket: Socket;
  bytes = 0;

  constructor(port: number, request: string) {
    this.#socket = connect(port, "127.0.0.1", () => this.#socket.write(request));
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Takes at most so much of what has come. */
  read(bytesMax: number): void {
    const bytes = this.#socket.read(Math.min(bytesMax, this.#socket.readableLength)) as Buffer | null;
    this.bytes += bytes?.byteLength ?? 0;
  }

  async readAll(): Promise<number> {
    this.#socket.on("data", (chunk: Buffer) => {
      this.bytes += chunk.byteLength;
    });
    await once(this.#socket, "close");
    return this.bytes;
  }
}

it("A4 slow readers of a large document hold up nobody, and take no memory", {
  timeout: 4 * patienceMs,
}, async () => {
  const document = profileDocument(manyOverrides(documentBytes)).replaceAll("bench_client_key", clientKey);
  const config = { api_poll_timeout_seconds: 20, upstream: { document_bytes_max: 100_000_000 } };
  await using serving = await startServing({ document, config });
  const { port, proxy } = serving;
  const path = "GET /api/v1/environment-document/";
  const request = requestText(path, [`X-Environment-Key: ${serverKey}`, "Connection: close"]);
  const readWhole = () => new SlowReader(port, request).readAll();
  const length = await readWhole();
  expect(length).toBeGreaterThan(documentBytes);
  const rssMib = () => memoryOf(proxy.pid).rssMib;
  const before = rssMib();
  const slow = Array.from({ length: slowReaders }, () => new SlowReader(port, request));
  await eventually(() => slow.every(({ socket }) => socket.readableLength > 0), patienceMs);
  const dripping = setInterval(() => slow.forEach((each) => void each.read(1000)), 1000);
  await using ordinary = startOrdinary(port);
  const lengths = await Promise.all(Array.from({ length: readers - slowReaders }, readWhole));
  expect(new Set(lengths)).toEqual(new Set([length]));
  const grown = rssMib();
  expect(countsOf(await ordinary.stop())).toEqual({ "200": expect.any(Number) });
  clearInterval(dripping);
  // They are still at it, and lose nothing for having been slow.
  expect(Math.max(...slow.map(({ bytes }) => bytes))).toBeLessThan(length / 2);
  expect(await Promise.all(slow.map((each) => each.readAll()))).toEqual(Array(slowReaders).fill(length));
  // A copy for each would be ten times as much and more.
  expect(grown / before).toBeLessThan(1.3);
});
