/**
 * What a second worker brings: requests per second that the proxy's own CPU time allows for, with one worker
 * and with two, and how often the upstream is asked. Exits 1 where a target is missed. Options: see
 * `runBenchmark`.
 *
 * NOTE: one worker is measured as two proxies of one worker beside each other, so that the cores are as busy
 * as with two workers. Alone it was measured to cost a tenth more: its load then sleeps between two answers,
 * and whoever writes to a sleeper pays for waking it.
 */
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { buildProxy } from "./built-proxy.ts";
import { Child } from "./child-process.ts";
import { chooseCpuClock } from "./compare/process-cpu.ts";
import { httpCase } from "./http-cases.ts";
import type { LoadOrder } from "./load-generator.ts";
import { type MeasuredServer, type ProxyProgram, startProxy, startUpstream } from "./measured-servers.ts";
import { workersOf } from "./process-status.ts";
import { profileDocument, standardProfile } from "./profile-document.ts";
import { countText, type Measure, measureText, summarize, tableText, verdictText } from "./statistics.ts";

const targetTimes = 1.9;
/** One poll is sent at the start, and another may fall on the end of the time that is counted. */
const pollsPerIntervalMax = 1.2;
const pollIntervalMs = 500;
/** Of each of two loads; each spreads them over both workers. */
const connections = 32;
const warmUpRequests = 10_000;
/** For each worker: a second of its time and more, of which the clock's steps are a hundredth. */
const requestsPerWorker = 40_000;
const caseNames = ["POST identities, another body each time", "GET flags"];

interface WorkersSample {
  /** Requests per second, if a proxy had a core for each worker and nobody else used them. */
  readonly capacity: number;
  /** Of what the serving processes used: 1 of one, 0.5 of two is an even share. */
  readonly busiestShare: number;
  readonly pollsPerInterval: number;
}

interface CaseResult {
  readonly name: string;
  readonly one: Measure;
  readonly two: Measure;
  readonly times: Measure;
  readonly busiestShare: Measure;
  readonly pollsPerInterval: readonly [one: Measure, two: Measure];
  readonly isMissed: boolean;
}

await runBenchmark(5, async (options) => report(await measureAll(options), options));

async function measureAll({ rounds, includes }: BenchOptions): Promise<CaseResult[]> {
  await using stack = new AsyncDisposableStack();
  const built = stack.use(await buildProxy());
  const program = [new URL("./load-generator.ts", import.meta.url)] as const;
  const loads = [0, 1].map(() => stack.use(new Child({ program, core: null })));
  const results: CaseResult[] = [];
  for (const name of caseNames.filter(includes)) {
    const samples: [one: WorkersSample, two: WorkersSample][] = [];
    for (let round = 0; round < rounds; round += 1) {
      showProgress(`round ${round + 1} of ${rounds}: ${name}`);
      const measure = (workers: 1 | 2) => measureOnce(name, workers, built, loads);
      // Each is first as often as the other.
      const early = round % 2 === 0 ? await measure(1) : null;
      const two = await measure(2);
      samples.push([early ?? (await measure(1)), two]);
    }
    results.push(summarizeCase(name, samples));
  }
  return results;
}

/** Two workers in all: of one proxy, or of one each. */
async function measureOnce(
  name: string,
  workers: 1 | 2,
  proxy: ProxyProgram,
  loads: readonly Child[],
): Promise<WorkersSample> {
  await using stack = new AsyncDisposableStack();
  const documents = profileDocument(standardProfile);
  const upstream = stack.adopt(await startUpstream(documents), (each) => each.close());
  const settings = {
    SERVER__WORKERS: String(workers),
    API_POLL_FREQUENCY_SECONDS: String(pollIntervalMs / 1000),
    POLLING__JITTER_RATIO: "0",
  };
  const servers: MeasuredServer[] = [];
  for (let left = loads.length; left > 0; left -= workers) {
    const server = await startProxy({ apiUrl: upstream.apiUrl, proxy, core: null, settings });
    stack.use(server.process);
    servers.push(server);
  }
  const startMs = performance.now();
  const pollsBefore = upstream.requests();

  const ports = servers.map(({ port }) => port);
  const { request } = httpCase(name);
  const burden = (requests: number, firstNumber: number) => {
    const order: LoadOrder = { ports, request, status: 200, connections, requests, firstNumber };
    return Promise.all(loads.map((load) => load.ask(order)));
  };
  await burden(warmUpRequests, 0);
  const roots = servers.map(({ process: { pid } }) => pid);
  const serving = workers === 1 ? roots : roots.flatMap(workersOf);
  const before = [usedUs(roots), usedUs(serving)] as const;
  await burden(requestsPerWorker, warmUpRequests);
  const [all, own] = [since(usedUs(roots), before[0]), since(usedUs(serving), before[1])];
  const polls = (upstream.requests() - pollsBefore) / servers.length;
  return {
    capacity: (workers * loads.length * requestsPerWorker) / (sumOf(all) / 1e6),
    busiestShare: Math.max(...own) / sumOf(own),
    pollsPerInterval: polls / ((performance.now() - startMs) / pollIntervalMs),
  };
}

/** Of each process with those that it started. */
function usedUs(pids: readonly number[]): number[] {
  const clock = chooseCpuClock();
  return pids.map((pid) => {
    const us = clock.readUs(pid);
    if (us === null) throw new Error("a process of the proxy ended, or this system tells no CPU times");
    return us;
  });
}

function since(after: readonly number[], before: readonly number[]): number[] {
  return after.map((us, index) => us - (before[index] as number));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function summarizeCase(name: string, samples: readonly [WorkersSample, WorkersSample][]): CaseResult {
  const times = summarize(samples.map(([one, two]) => two.capacity / one.capacity));
  const polls = ([0, 1] as const).map((which) =>
    summarize(samples.map((pair) => pair[which].pollsPerInterval)),
  );
  return {
    name,
    one: summarize(samples.map(([one]) => one.capacity)),
    two: summarize(samples.map(([, two]) => two.capacity)),
    times,
    busiestShare: summarize(samples.map(([, two]) => two.busiestShare)),
    pollsPerInterval: polls as [Measure, Measure],
    isMissed: !(times.median >= targetTimes),
  };
}

function report(results: readonly CaseResult[], { rounds }: BenchOptions): BenchReport {
  const rows = results.map((result) => [
    result.name,
    capacityText(result.one),
    capacityText(result.two),
    measureText(result.times, 2),
    verdictText(`≥ ${targetTimes}`, result.isMissed),
    measureText(result.busiestShare, 2),
    result.pollsPerInterval.map((polls) => measureText(polls, 2)).join(", "),
  ]);
  const sizes = ["one worker, requests/s", "two workers, requests/s", "times", "target"];
  const head = ["case", ...sizes, "busier worker's share", "polls per interval, one and two"];
  const note =
    `Requests per second of capacity: workers × requests / CPU seconds of all processes of the proxy, so ` +
    `that the load's share is left out; one worker is measured with another such proxy on the other core. ` +
    `The upstream is to be polled once per interval of ${pollIntervalMs / 1000} s, whatever the number of ` +
    `workers. ${rounds} rounds of fresh processes, ${connections} connections for each worker.`;
  return {
    tables: [{ marker: "workers", text: tableText(head, rows), note }],
    plots: [],
    missed: results.flatMap(missedOf),
    figures: { connections, requestsPerWorker, pollIntervalMs, cases: results },
  };
}

function capacityText({ median, min, max }: Measure): string {
  const rounded = (count: number) => countText(Math.round(count / 100) * 100);
  return `${rounded(median)} (${rounded(min)}–${rounded(max)})`;
}

function missedOf({ name, times, isMissed, pollsPerInterval }: CaseResult): string[] {
  const often = pollsPerInterval.flatMap(({ median }, index) => {
    if (median <= pollsPerIntervalMax) return [];
    return [`${name}, ${index + 1} workers: the upstream was polled ${median.toFixed(2)} times per interval`];
  });
  const capacity = `${times.median.toFixed(2)} times the capacity, below ${targetTimes}`;
  return isMissed ? [`${name}: two workers have ${capacity}`, ...often] : often;
}
