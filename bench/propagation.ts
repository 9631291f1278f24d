/**
 * From the upstream's event to the SDKs: how long it takes until the clients of both workers are told that
 * the change is being served. Exits 1 where the target is missed. Options: see `runBenchmark`; a round has a
 * hundred changes.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { buildProxy } from "./built-proxy.ts";
import { startProxy, waitUntil } from "./measured-servers.ts";
import { environmentKeys, profileDocument, standardProfile } from "./profile-document.ts";
import { countText, tableText, verdictText } from "./statistics.ts";
import { StreamClients } from "./stream-clients.ts";

const targetMs = 250;
const changes = 100;
const streams = 100;
const workers = 2;
/** The proxy refreshes an environment at most once a second. */
const pauseMs = 1200;

/** An upstream with event streams: a change is an event, and the next document. */
class TellingUpstream implements AsyncDisposable {
  readonly #document = JSON.parse(profileDocument(standardProfile)) as {
    updated_at: string;
    project: { enable_realtime_updates: boolean };
  };
  readonly #streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => {
    if (request.url?.startsWith("/sse/")) this.#begin(response);
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(this.#document));
  });
  #version = 0;

  constructor() {
    this.#document.project.enable_realtime_updates = true;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get isHeard(): boolean {
    return this.#streams.size > 0;
  }

  change(): void {
    this.#version += 1;
    const time = new Date(Date.UTC(2025, 0, 1) + this.#version * 1000);
    this.#document.updated_at = time.toISOString();
    const data = JSON.stringify({ updated_at: time.getTime() / 1000 });
    for (const stream of this.#streams) stream.write(`event: environment_updated\ndata: ${data}\n\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close().closeAllConnections();
  }

  #begin(response: ServerResponse): void {
    this.#streams.add(response);
    response.writeHead(200, { "content-type": "text/event-stream" }).write(":\n\n");
  }
}

await runBenchmark(1, async (options) => report(await measureAll(options), options));

/** @returns milliseconds to the last client, of each change */
async function measureAll({ rounds }: BenchOptions): Promise<number[]> {
  using built = await buildProxy();
  const lastMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await using upstream = new TellingUpstream();
    const origin = await upstream.listen();
    const settings = {
      API_POLL_FREQUENCY_SECONDS: "3600",
      SERVER__WORKERS: String(workers),
      REALTIME__URL: `${origin}/`,
    };
    const server = await startProxy({ apiUrl: `${origin}/api/v1`, proxy: built, core: null, settings });
    await using _server = server.process;
    await waitUntil(async () => upstream.isHeard, 50);
    using clients = new StreamClients(server.port, environmentKeys(0).client);
    await clients.open(streams);
    for (let change = 0; change < changes; change += 1) {
      showProgress(`round ${round + 1} of ${rounds}: change ${change + 1} of ${changes}`);
      await sleep(pauseMs);
      const told = clients.nextEvent();
      const startMs = performance.now();
      upstream.change();
      lastMs.push((await told).lastMs - startMs);
    }
  }
  return lastMs;
}

function report(lastMs: readonly number[], { rounds }: BenchOptions): BenchReport {
  const sorted = lastMs.toSorted((left, right) => left - right);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  const isMissed = !(at(0.99) <= targetMs);
  const text = tableText(
    ["changes", "p50, ms", "p99, ms", "most, ms", "target"],
    [
      [
        countText(sorted.length),
        ...[0.5, 0.99, 1].map((share) => at(share).toFixed(0)),
        verdictText(`p99 ≤ ${targetMs} ms`, isMissed),
      ],
    ],
  );
  const note =
    `From the moment in which the upstream's event is written until the last of ${streams} clients of ` +
    `${workers} workers is told: a wait of up to 0.1 s that spreads a fleet's refreshes, the fetch, ` +
    `reading, compiling, the roll-out to both workers. 50 features; ${rounds} rounds of ${changes} changes.`;
  return {
    tables: [{ marker: "propagation", text, note }],
    plots: [],
    missed: isMissed ? [`propagation: p99 ${at(0.99).toFixed(0)} ms, above ${targetMs}`] : [],
    figures: { lastMs: sorted },
  };
}
