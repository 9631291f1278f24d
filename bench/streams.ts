/**
 * Client streams of the built proxy: the memory that an idle one costs its worker, and how long it takes
 * until all clients are told of a change. Exits 1 where a target is missed. Options: see `runBenchmark`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { buildProxy } from "./built-proxy.ts";
import { ChangingUpstream, changingSettings } from "./changing-upstream.ts";
import { type ProxyProgram, startProxy } from "./measured-servers.ts";
import { memoryOf } from "./process-status.ts";
import { environmentKeys, profileDocument, standardProfile } from "./profile-document.ts";
import { countText, type Measure, measureText, summarize, tableText, verdictText } from "./statistics.ts";
import { StreamClients } from "./stream-clients.ts";

interface StreamCase {
  readonly streams: number;
  readonly workers: 1 | 2;
  /** Of one idle stream, in KiB; null: with several workers nobody knows whose a stream is. */
  readonly targetKib: number | null;
}

interface RoundSample {
  readonly idleKib: number;
  readonly toldKib: number;
  /** From the upstream's answer to the first client, and to the last one; of several publishes. */
  readonly firstMs: readonly number[];
  readonly lastMs: readonly number[];
}

interface CaseResult extends StreamCase {
  readonly idleKib: Measure;
  readonly toldKib: Measure;
  readonly firstMs: Measure;
  readonly lastMs: Measure;
  readonly isMissed: boolean;
}

const cases: readonly StreamCase[] = [
  { streams: 10_000, workers: 1, targetKib: 20 },
  { streams: 1000, workers: 1, targetKib: null },
  { streams: 1000, workers: 2, targetKib: null },
];
const publishes = 5;
/** What has just been thrown away is no lasting cost. */
const settleMs = 2000;
/** The proxy has asked for the document again by then, and waits for the answer. */
const pollMs = 200;

await runBenchmark(3, async (options) => report(await measureAll(options), options));

async function measureAll({ rounds, includes }: BenchOptions): Promise<CaseResult[]> {
  using built = await buildProxy();
  const results: CaseResult[] = [];
  for (const measured of cases.filter((each) => includes(nameOf(each)))) {
    const samples: RoundSample[] = [];
    for (let round = 0; round < rounds; round += 1) {
      showProgress(`round ${round + 1} of ${rounds}: ${nameOf(measured)}`);
      samples.push(await measureRound(measured, built));
    }
    results.push(summarizeCase(measured, samples));
  }
  return results;
}

function nameOf({ streams, workers }: StreamCase): string {
  return `${countText(streams)} streams, ${workers === 1 ? "one process" : `${workers} workers`}`;
}

async function measureRound({ streams, workers }: StreamCase, proxy: ProxyProgram): Promise<RoundSample> {
  await using upstream = await ChangingUpstream.start(profileDocument(standardProfile));
  const { apiUrl } = upstream;
  const settings = { ...changingSettings, SERVER__WORKERS: String(workers) };
  const server = await startProxy({ apiUrl, proxy, core: null, settings });
  await using _server = server.process;
  const publish = async () => {
    await sleep(pollMs);
    const startMs = performance.now();
    return await upstream.publish().then(() => startMs);
  };
  // What a publish needs once is not the streams'.
  for (let each = 0; each < publishes; each += 1) await publish();
  const rssKib = async () => {
    await sleep(settleMs);
    return memoryOf(server.process.pid).rssMib * 1024;
  };
  const before = await rssKib();
  using clients = new StreamClients(server.port, environmentKeys(0).client);
  await clients.open(streams);
  const idle = await rssKib();
  const firstMs: number[] = [];
  const lastMs: number[] = [];
  for (let each = 0; each < publishes; each += 1) {
    const [startMs, told] = await Promise.all([publish(), clients.nextEvent()]);
    firstMs.push(told.firstMs - startMs);
    lastMs.push(told.lastMs - startMs);
  }
  const after = await rssKib();
  return { idleKib: (idle - before) / streams, toldKib: (after - before) / streams, firstMs, lastMs };
}

function summarizeCase(measured: StreamCase, samples: readonly RoundSample[]): CaseResult {
  const { targetKib } = measured;
  const idleKib = summarize(samples.map((each) => each.idleKib));
  const toldKib = summarize(samples.map((each) => each.toldKib));
  const most = Math.max(idleKib.median, toldKib.median);
  return {
    ...{ ...measured, idleKib, toldKib },
    firstMs: summarize(samples.flatMap((each) => each.firstMs)),
    lastMs: summarize(samples.flatMap((each) => each.lastMs)),
    isMissed: targetKib !== null && !(most <= targetKib),
  };
}

function report(results: readonly CaseResult[], { rounds }: BenchOptions): BenchReport {
  const rows = results.map((result) => [
    nameOf(result),
    result.targetKib === null ? "–" : measureText(result.idleKib, 1),
    result.targetKib === null ? "–" : measureText(result.toldKib, 1),
    measureText(result.firstMs, 0),
    measureText(result.lastMs, 0),
    result.targetKib === null ? "none" : verdictText(`≤ ${result.targetKib} KiB`, result.isMissed),
  ]);
  const head = ["open", "idle, KiB each", "told, KiB each", "first told, ms", "last told, ms", "target"];
  const note =
    `Difference of resident memory (VmRSS) of a fresh process of the built form, two seconds after all ` +
    `streams were open, and two seconds after ${publishes} events to each. Told: from the upstream's ` +
    `answer with a changed document of 50 features, which is read, compiled, prepared and rolled out ` +
    `before anybody is told, to the first and the last client; the benchmark's process reads for all of ` +
    `them. ${rounds} rounds, ${publishes} documents each.`;
  return {
    tables: [{ marker: "streams", text: tableText(head, rows), note }],
    plots: [],
    missed: results
      .filter(({ isMissed }) => isMissed)
      .map((each) => {
        const most = Math.max(each.idleKib.median, each.toldKib.median);
        return `streams, ${nameOf(each)}: ${most.toFixed(1)} KiB each, above ${each.targetKib}`;
      }),
    figures: { publishes, cases: results },
  };
}
