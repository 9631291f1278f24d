/**
 * From a change of the upstream to the SDKs, by the upstream's events and by polls alone: how long it takes
 * until the clients of both workers are told that the change is being served. Exits 1 where a target is
 * missed. Options: see `runBenchmark`; a round has a hundred changes each way.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { buildProxy } from "./built-proxy.ts";
import { type ProxyProgram, startProxy, waitUntil } from "./measured-servers.ts";
import { environmentKeys, profileDocument, standardProfile } from "./profile-document.ts";
import { countText, tableText, verdictText } from "./statistics.ts";
import { StreamClients } from "./stream-clients.ts";

/** One of the two ways in which the proxy learns of a change. */
interface Way {
  readonly name: string;
  readonly tellsEvents: boolean;
  /** Given to the proxy. */
  readonly pollSeconds: number;
  /** Of the 99th percentile, for the last client. */
  readonly targetMs: number;
}

const pollSeconds = 1;
const ways: readonly Way[] = [
  { name: "the upstream's event", tellsEvents: true, pollSeconds: 3600, targetMs: 250 },
  {
    name: `a poll each ${pollSeconds} s`,
    tellsEvents: false,
    pollSeconds,
    targetMs: 1000 * pollSeconds + 1000,
  },
];
const changes = 100;
const streams = 100;
const workers = 2;
/** The proxy refreshes an environment at most once a second. */
const pauseMsMin = 1200;
/** Random beyond that, so that changes come at any moment between two polls. */
const pauseMsMax = pauseMsMin + 1000 * pollSeconds;

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

  constructor(tellsEvents: boolean) {
    this.#document.project.enable_realtime_updates = tellsEvents;
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

interface WayResult extends Way {
  /** Milliseconds to the last client, of each change, the shortest first. */
  readonly lastMs: readonly number[];
}

await runBenchmark(1, async (options) => report(await measureAll(options), options));

async function measureAll({ rounds, includes }: BenchOptions): Promise<WayResult[]> {
  using built = await buildProxy();
  const results: WayResult[] = [];
  for (const way of ways.filter(({ name }) => includes(name))) {
    const lastMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await measureRound(way, built, (ms) => {
        showProgress(`${way.name}: change ${lastMs.push(ms)} of ${rounds * changes}`);
      });
    }
    results.push({ ...way, lastMs: lastMs.toSorted((left, right) => left - right) });
  }
  return results;
}

async function measureRound(way: Way, proxy: ProxyProgram, take: (ms: number) => void): Promise<void> {
  await using upstream = new TellingUpstream(way.tellsEvents);
  const origin = await upstream.listen();
  const settings = {
    API_POLL_FREQUENCY_SECONDS: String(way.pollSeconds),
    SERVER__WORKERS: String(workers),
    REALTIME__URL: `${origin}/`,
  };
  const server = await startProxy({ apiUrl: `${origin}/api/v1`, proxy, core: null, settings });
  await using _server = server.process;
  await waitUntil(async () => upstream.isHeard === way.tellsEvents, 50);
  using clients = new StreamClients(server.port, environmentKeys(0).client);
  await clients.open(streams);
  for (let change = 0; change < changes; change += 1) {
    await sleep(pauseMsMin + Math.random() * (pauseMsMax - pauseMsMin));
    const told = clients.nextEvent();
    const startMs = performance.now();
    upstream.change();
    take((await told).lastMs - startMs);
  }
}

function report(results: readonly WayResult[], { rounds }: BenchOptions): BenchReport {
  const at = (sorted: readonly number[], share: number) =>
    sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  const isMissed = ({ lastMs, targetMs }: WayResult) => !(at(lastMs, 0.99) <= targetMs);
  const rows = results.map((result) => [
    result.name,
    countText(result.lastMs.length),
    ...[0.5, 0.99, 1].map((share) => at(result.lastMs, share).toFixed(0)),
    verdictText(`p99 ≤ ${result.targetMs} ms`, isMissed(result)),
  ]);
  const text = tableText(["by", "changes", "p50, ms", "p99, ms", "most, ms", "target"], rows);
  const note =
    `From the moment in which the upstream changes until the last of ${streams} clients of ${workers} ` +
    "workers is told. By an event: a wait of up to 0.1 s that spreads a fleet's refreshes, the fetch, " +
    "reading, compiling, the roll-out to both workers; by polls: the wait for the next one before that. " +
    `50 features, changes at random moments; ${rounds * changes} of them each way.`;
  const missed = results.filter(isMissed).map(({ name, lastMs, targetMs }) => {
    return `propagation: p99 ${at(lastMs, 0.99).toFixed(0)} ms by ${name}, above ${targetMs}`;
  });
  const figures = Object.fromEntries(results.map(({ name, lastMs }) => [name, lastMs]));
  return { tables: [{ marker: "propagation", text, note }], plots: [], missed, figures };
}
