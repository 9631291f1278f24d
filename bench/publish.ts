/**
 * How long the event loop of the serving process stands still while a large document is published under load,
 * and while none is. Exits 1 where a target is missed. Options: see `runBenchmark`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { buildProxy } from "./built-proxy.ts";
import { ChangingUpstream, changingSettings } from "./changing-upstream.ts";
import { Child, isPinned } from "./child-process.ts";
import { httpCase } from "./http-cases.ts";
import { bytesOfMib, manyOverrides, manySegments } from "./large-documents.ts";
import type { LoadOrder } from "./load-generator.ts";
import { stopOrder } from "./load-orders.ts";
import { fetchAnswer, type MeasuredServer, type ProxyProgram, startProxy } from "./measured-servers.ts";
import { type Profile, profileDocument } from "./profile-document.ts";
import { type Measure, measureText, summarize, tableText, verdictText } from "./statistics.ts";

interface PublishCase {
  readonly name: string;
  readonly profile: Profile;
  /** Null: any of the machine's; the document is read by a process of its own. */
  readonly core: 0 | null;
  /** Null: measured for comparison. */
  readonly targetMs: number | null;
}

/** What fresh processes gave: the worst of their publishes, and of as many windows without one. */
interface RoundSample {
  readonly pauseMs: number;
  /** The most CPU time that the loop's own thread used without a turn: others had the rest of a pause. */
  readonly workMs: number;
  readonly floorMs: number;
  readonly publishMs: number;
}

interface CaseResult extends PublishCase {
  readonly documentMib: number;
  readonly requestsPerSecond: Measure;
  readonly pauseMs: Measure;
  readonly workMs: Measure;
  readonly floorMs: Measure;
  readonly publishMs: Measure;
  readonly isMissed: boolean;
}

const cases: readonly PublishCase[] = [
  { name: "10 MiB of identity overrides", profile: manyOverrides(10 * bytesOfMib), core: null, targetMs: 20 },
  { name: "10 MiB of segments", profile: manySegments(10 * bytesOfMib), core: null, targetMs: 20 },
  { name: "50 MiB of identity overrides", profile: manyOverrides(50 * bytesOfMib), core: null, targetMs: 50 },
  {
    name: "10 MiB of identity overrides, one core for all",
    profile: manyOverrides(10 * bytesOfMib),
    core: 0,
    targetMs: null,
  },
];

const publishes = 3;
/** A moderate load: each connection rests between two requests. */
const connections = 16;
const pauseMs = 5;
/** More than can be answered before the load is told to stop. */
const requestsMax = 100_000_000;
const warmUpMs = 2000;
/** What is thrown away after a publish belongs to it. */
const tailMs = 500;

await runBenchmark(5, async (options) => report(await measureAll(options), options));

async function measureAll(options: BenchOptions): Promise<CaseResult[]> {
  using built = await buildProxy();
  await using load = new Child({ program: [new URL("./load-generator.ts", import.meta.url)], core: 1 });
  const results: CaseResult[] = [];
  for (const each of cases.filter(({ name }) => options.includes(name))) {
    results.push(await measureCase(each, built, load, options));
  }
  return results;
}

async function measureCase(
  measured: PublishCase,
  proxy: ProxyProgram,
  load: Child,
  { rounds }: BenchOptions,
): Promise<CaseResult> {
  const text = profileDocument(measured.profile);
  const samples: RoundSample[] = [];
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    showProgress(`round ${round + 1} of ${rounds}: ${measured.name}`);
    const { sample, requestsPerSecond } = await measureRound(measured, text, proxy, load);
    samples.push(sample);
    rates.push(requestsPerSecond);
  }
  const pause = summarize(samples.map((each) => each.pauseMs));
  return {
    ...measured,
    documentMib: Buffer.byteLength(text) / bytesOfMib,
    requestsPerSecond: summarize(rates),
    pauseMs: pause,
    workMs: summarize(samples.map(({ workMs }) => workMs)),
    floorMs: summarize(samples.map(({ floorMs }) => floorMs)),
    publishMs: summarize(samples.map(({ publishMs }) => publishMs)),
    isMissed: measured.targetMs !== null && !(pause.median <= measured.targetMs),
  };
}

async function measureRound(
  { core }: PublishCase,
  text: string,
  proxy: ProxyProgram,
  load: Child,
): Promise<{ readonly sample: RoundSample; readonly requestsPerSecond: number }> {
  await using upstream = await ChangingUpstream.start(text);
  const { apiUrl } = upstream;
  const server = await startProxy({ apiUrl, proxy, core, isProbed: true, settings: changingSettings });
  await using _server = server.process;
  const { request } = httpCase("POST identities, another body each time");
  const window = { request, status: 200, connections, pauseMs, requests: requestsMax, firstNumber: 0 };
  const startMs = performance.now();
  const running = load.ask<{ requests: number }>({ ...window, ports: [server.port] } satisfies LoadOrder);
  await sleep(warmUpMs);
  const samples: RoundSample[] = [];
  // A load that fails ends this too.
  const measuring = (async () => {
    for (let each = 0; each < publishes; each += 1) samples.push(await measurePublish(server, upstream));
    load.tell(stopOrder);
  })();
  const [{ requests }] = await Promise.all([running, measuring]);
  const seconds = (performance.now() - startMs) / 1000;
  const worst = (figure: keyof RoundSample) => Math.max(...samples.map((sample) => sample[figure]));
  return {
    sample: {
      ...{ pauseMs: worst("pauseMs"), workMs: worst("workMs") },
      ...{ floorMs: worst("floorMs"), publishMs: worst("publishMs") },
    },
    requestsPerSecond: requests / seconds,
  };
}

/** One publish, and as long a time without one. */
async function measurePublish(server: MeasuredServer, upstream: ChangingUpstream): Promise<RoundSample> {
  const before = await etagOf(server);
  await server.process.loopReport();
  const startMs = performance.now();
  await upstream.publish();
  const publishMs = performance.now() - startMs;
  await sleep(tailMs);
  const { pauseMs: pause, workMs } = await server.process.loopReport();
  if ((await etagOf(server)) === before) throw new Error("the document was not published");
  await server.process.loopReport();
  await sleep(publishMs + tailMs);
  const { pauseMs: floorMs } = await server.process.loopReport();
  return { pauseMs: pause, workMs, floorMs, publishMs };
}

async function etagOf({ port }: MeasuredServer): Promise<string | undefined> {
  const { headers } = await fetchAnswer(port, httpCase("GET flags").request);
  return headers["etag"];
}

function report(results: readonly CaseResult[], { rounds }: BenchOptions): BenchReport {
  const rows = results.map((result) => [
    result.name,
    result.documentMib.toFixed(1),
    measureText(result.publishMs, 0),
    measureText(result.floorMs, 1),
    measureText(result.pauseMs, 1),
    measureText(result.workMs, 1),
    result.targetMs === null ? "none" : verdictText(`≤ ${result.targetMs} ms`, result.isMissed),
  ]);
  const pauses = ["longest pause without, ms", "with a publish, ms", "own work at once, ms"];
  const head = ["document", "MiB", "publish, ms", ...pauses, "target"];
  const rate = Math.round(summarize(results.map((each) => each.requestsPerSecond.median)).median / 100) * 100;
  const place = isPinned
    ? "the load on one core, the proxy on both unless it says otherwise"
    : "nothing pinned";
  return {
    tables: [
      {
        marker: "publish",
        text: tableText(head, rows),
        note:
          `The worst of ${publishes} publishes in ${rounds} fresh processes, under about ${rate} POST ` +
          `identities a second with another body each; ${place}.`,
      },
    ],
    plots: [
      {
        kind: "bars",
        file: "pause-at-publish",
        title: "Longest pause of the event loop",
        caption: "The mark is the target.",
        unit: "ms",
        bars: ["while a document is published", "of it own work at once", "the same load without"],
        groups: results.map(({ name, pauseMs: pause, workMs, floorMs, targetMs }) => ({
          ...{ name, bars: [pause, workMs, floorMs] },
          ...(targetMs === null ? {} : { limit: targetMs }),
        })),
      },
    ],
    missed: results
      .filter(({ isMissed }) => isMissed)
      .map(({ name, pauseMs: pause, targetMs }) => {
        return `${name}: the event loop paused for ${pause.median.toFixed(1)} ms, above ${targetMs}`;
      }),
    figures: { isPinned, connections, pauseMs, publishes, cases: results },
  };
}
