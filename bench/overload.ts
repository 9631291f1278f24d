/**
 * More load than a core can take (reliability A8): identities that have to be evaluated come at twice and at
 * four times the rate that the proxy can answer, from clients that wait a second. How many are answered, how
 * soon, how soon the others are refused, what health and flags take meanwhile, and how long it takes to be
 * over. Exits 1 where a target is missed. Options: see `runBenchmark`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../test/support/local-ports.ts";
import { measureBareRefusal } from "./bare-refusal.ts";
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { buildProxy } from "./built-proxy.ts";
import { Child } from "./child-process.ts";
import { type HttpRequest, httpCase } from "./http-cases.ts";
import type { LoadOrder } from "./load-generator.ts";
import { countOf, type Outcomes, percentileMs } from "./load-outcomes.ts";
import { type ProxyProgram, startProxy, startUpstream } from "./measured-servers.ts";
import { OpenLoop } from "./open-loop.ts";
import { heavyProfile, type Profile, profileDocument } from "./profile-document.ts";
import { measureText, summarize, tableText } from "./statistics.ts";

/** Of the capacity, the least that has to be answered; of milliseconds, the most. */
const targets = [
  { times: 2, goodput: 0.9, okP99Ms: 50 },
  { times: 4, goodput: 0.8, okP99Ms: 250 },
];
const refusedP99MsMax = 100;
const adminP99MsMax = 50;
const recoverySecondsMax = 2;

/** An evaluation takes long enough that one core can send four times what another one answers. */
const profile: Profile = { ...heavyProfile, segments: 12_000, overridingSegments: 12_000 };
const patienceMs = 1000;
/** As many as may wait at four times the capacity; each client has its own. */
const connections = 16_000;
/** Of clients that have asked before: most of a fleet keeps its connection. */
const connectionsAtStart = 2000;
const besidePerSecond = 50;
const seconds = { settle: 2, base: 4, overload: 20 };
const capacityRequests = 6000;

const identities = httpCase("POST identities, another body each time").request;
const flags = httpCase("GET flags").request;
const health: HttpRequest = { method: "GET", path: "/proxy/health", headers: {}, bodies: "none" };

interface OverloadSample {
  /** Of the capacity. */
  readonly goodput: number;
  readonly okP99Ms: number;
  readonly refusedP99Ms: number;
  /** Of what was sent, clients that had no answer in time. */
  readonly timeouts: number;
  readonly flagsP99Ms: number;
  readonly healthP99Ms: number;
  readonly adminP99Ms: number;
  /** Whole seconds after the overload until one was as before it. */
  readonly recoverySeconds: number;
  /** What is missing of the capacity, for each request that was refused: microseconds of the core. */
  readonly refusalUs: number;
  /** The same of a server that does nothing but refuse. */
  readonly bareRefusalUs: number;
}

await runBenchmark(3, async (options) => report(await measureAll(options), options));

async function measureAll({ rounds }: BenchOptions): Promise<OverloadSample[][]> {
  using built = await buildProxy();
  const samples: OverloadSample[][] = targets.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { times }] of targets.entries()) {
      showProgress(`round ${round + 1} of ${rounds}: ${times} times the capacity`);
      samples[index]?.push(await measureOnce(times, built));
    }
  }
  return samples;
}

async function measureOnce(times: number, proxy: ProxyProgram): Promise<OverloadSample> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.adopt(await startUpstream(slowDocument()), (each) => each.close());
  const adminPort = await freePort();
  const settings = { ADMIN__PORT: String(adminPort) };
  const { port, process } = await startProxy({ apiUrl: upstream.apiUrl, proxy, settings });
  stack.use(process);
  const capacity = await measureCapacity(port);
  const order = { port, connections, patienceMs };
  const beside = [
    { ...order, requests: [flags] },
    { ...order, requests: [health] },
    { ...order, requests: [health], port: adminPort },
  ].map((each) => stack.use(new OpenLoop({ ...each, perSecond: besidePerSecond }, 1)));
  const loadOf = (share: number) => {
    return { ...order, connectionsAtStart, requests: [identities], perSecond: capacity * share };
  };
  const atLoad = (share: number) => new OpenLoop(loadOf(share), 1);

  await using base = atLoad(0.5);
  await sleep(seconds.settle * 1000);
  base.take();
  await sleep(seconds.base * 1000);
  const usualMs = percentileMs(await base.stop(), 0.99);

  await using overload = atLoad(times);
  await sleep(seconds.settle * 1000);
  for (const load of [overload, ...beside]) load.take();
  await sleep(seconds.overload * 1000);
  const outcomes = overload.take();
  const [flagsP99Ms = 0, healthP99Ms = 0, adminP99Ms = 0] = beside.map((load) =>
    percentileMs(load.take(), 0.99),
  );
  await overload.stop();

  await using after = atLoad(0.5);
  await sleep(2 * seconds.base * 1000);
  const calm = after.takeSeconds().findIndex((second) => isCalm(second, usualMs));
  await after.stop();
  const goodput = countOf(outcomes, "200") / seconds.overload / capacity;
  return {
    goodput,
    okP99Ms: percentileMs(outcomes, 0.99, "200"),
    refusedP99Ms: percentileMs(outcomes, 0.99, "503"),
    timeouts: countOf(outcomes, "timeout") / countOf(outcomes),
    flagsP99Ms,
    healthP99Ms,
    adminP99Ms,
    recoverySeconds: calm === -1 ? Number.POSITIVE_INFINITY : calm,
    refusalUs: ((1 - goodput) * seconds.overload * 1e6) / countOf(outcomes, "503"),
    bareRefusalUs: await measureBareRefusal(loadOf(times)),
  };
}

/** No segment matches, and each asks for a hash of the identity, which alone is never known already. */
function slowDocument(): string {
  const document = JSON.parse(profileDocument(profile)) as {
    project: { segments: { rules: { rules: object[] }[] }[] };
  };
  const conditions = [
    { property_: null, operator: "PERCENTAGE_SPLIT", value: "99.9" },
    { property_: "nobody_has_it", operator: "IS_SET", value: "" },
  ];
  for (const { rules } of document.project.segments) {
    rules[0]?.rules.splice(0, Number.POSITIVE_INFINITY, { type: "ALL", conditions, rules: [] });
  }
  return JSON.stringify(document);
}

/** @returns requests per second of a load that waits for its answers */
async function measureCapacity(port: number): Promise<number> {
  await using load = new Child({ program: [new URL("./load-generator.ts", import.meta.url)], core: 1 });
  const order: LoadOrder = {
    ports: [port],
    request: identities,
    status: 200,
    requests: capacityRequests,
    // So few evaluations of a turn are never refused.
    connections: 4,
    firstNumber: 0,
  };
  await load.ask(order);
  const startMs = performance.now();
  await load.ask({ ...order, firstNumber: capacityRequests });
  return capacityRequests / ((performance.now() - startMs) / 1000);
}

/** All are answered, and about as soon as before. */
function isCalm(second: Outcomes, usualMs: number): boolean {
  return countOf(second, "200") === countOf(second) && percentileMs(second, 0.99) <= 2 * usualMs;
}

function report(samples: readonly OverloadSample[][], { rounds }: BenchOptions): BenchReport {
  const results = targets.map((target, index) => ({ ...target, samples: samples[index] ?? [] }));
  const head = ["load", "answered, of the capacity", "200, p99 ms", "503, p99 ms", "no answer in 1 s"];
  const besides = ["flags, p99 ms", "health, p99 ms", "admin health, p99 ms", "over after, s"];
  const costs = ["a refusal, µs", "of a bare server, µs"];
  const rows = results.map(({ times, samples: each }) => {
    const text = (digits: number, read: (sample: OverloadSample) => number) =>
      measureText(summarize(each.map(read)), digits);
    return [
      `${times} times the capacity`,
      text(2, ({ goodput }) => goodput),
      text(0, ({ okP99Ms }) => okP99Ms),
      text(0, ({ refusedP99Ms }) => refusedP99Ms),
      text(3, ({ timeouts }) => timeouts),
      text(0, ({ flagsP99Ms }) => flagsP99Ms),
      text(0, ({ healthP99Ms }) => healthP99Ms),
      text(0, ({ adminP99Ms }) => adminP99Ms),
      text(0, ({ recoverySeconds }) => recoverySeconds),
      text(0, ({ refusalUs }) => refusalUs),
      text(0, ({ bareRefusalUs }) => bareRefusalUs),
    ];
  });
  const note =
    `POST identities, another body each time, an evaluation of 0.6 ms or so, on one core; an ` +
    `open loop for ${seconds.overload} s from the other core, each client waits ${patienceMs / 1000} s. ` +
    `${rounds} rounds of fresh processes. A refusal is what is missing of the capacity, for each; a bare ` +
    `server answers the same load with 503 and does nothing else.`;
  return {
    tables: [{ marker: "overload", text: tableText([...head, ...besides, ...costs], rows), note }],
    plots: [],
    missed: results.flatMap(missedOf),
    figures: { results },
  };
}

interface Result {
  readonly times: number;
  readonly goodput: number;
  readonly okP99Ms: number;
  readonly samples: readonly OverloadSample[];
}

function missedOf({ times, goodput, okP99Ms, samples }: Result): string[] {
  const median = (read: (sample: OverloadSample) => number) => summarize(samples.map(read)).median;
  const limits: readonly [what: string, value: number, max: number][] = [
    ["p99 of 200, ms", median((each) => each.okP99Ms), okP99Ms],
    ["p99 of 503, ms", median((each) => each.refusedP99Ms), refusedP99MsMax],
    ["p99 of admin health, ms", median((each) => each.adminP99Ms), adminP99MsMax],
    ["seconds until it is over", median((each) => each.recoverySeconds), recoverySecondsMax],
  ];
  const answered = median((each) => each.goodput);
  const few =
    answered >= goodput ? [] : [`answered ${answered.toFixed(2)} of the capacity, below ${goodput}`];
  const above = limits.filter(([, value, max]) => !(value <= max));
  return [...few, ...above.map(([what, value, max]) => `${what}: ${value.toFixed(1)}, above ${max}`)].map(
    (text) => `${times} times the capacity: ${text}`,
  );
}
