/**
 * CPU time per request of our proxy against a bare `node:http` server that writes the same bytes, as a
 * ratio for each case. Exits 1 where a target is missed. Options: see `runBenchmark`.
 */
import { isDeepStrictEqual } from "node:util";
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { buildProxy } from "./built-proxy.ts";
import { Child, isPinned } from "./child-process.ts";
import { type HttpCase, type HttpRequest, httpCases, servedProfiles } from "./http-cases.ts";
import type { LoadOrder } from "./load-generator.ts";
import {
  fetchAnswer,
  type MeasuredServer,
  type ProxyOptions,
  settleRequest,
  startBareServer,
  startProxy,
  startUpstream,
} from "./measured-servers.ts";
import type { Plot } from "./plot-description.ts";
import { profileDocument } from "./profile-document.ts";
import { type Measure, measureText, summarize, tableText, verdictText } from "./statistics.ts";

const connections = 32;
const warmUpRequests = 60_000;
const windowRequests = 10_000;
/** Pairs of windows, one on each server, for each pair of fresh processes. */
const pairs = 6;

interface CaseResult {
  readonly name: string;
  readonly targetRatio: number;
  readonly proxyUs: Measure;
  readonly bareUs: Measure;
  readonly ratio: Measure;
  readonly isMissed: boolean;
}

/** What one pair of fresh processes gave: medians over its windows. */
interface RoundSample {
  readonly proxyUs: number;
  readonly bareUs: number;
  readonly ratio: number;
}

await runBenchmark(5, async (options) => report(await compareAll(options), options));

async function compareAll({ rounds, includes }: BenchOptions): Promise<CaseResult[]> {
  using built = await buildProxy();
  const cases = httpCases.filter(({ name }) => includes(name));
  const upstreams = {
    standard: await startUpstream(profileDocument(servedProfiles.standard)),
    heavy: await startUpstream(profileDocument(servedProfiles.heavy)),
  };
  await using load = new Child({ program: [new URL("./load-generator.ts", import.meta.url)], core: 1 });
  const samples = cases.map((): RoundSample[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, httpCase] of cases.entries()) {
      showProgress(`round ${round + 1} of ${rounds}: ${httpCase.name}`);
      const { apiUrl } = upstreams[httpCase.profileName];
      samples[index]?.push(
        await compareOnce(httpCase, { apiUrl, proxy: built, isProbed: true }, load, round),
      );
    }
  }
  for (const upstream of Object.values(upstreams)) upstream.close();
  return cases.map((httpCase, index) => summarizeCase(httpCase, samples[index] ?? []));
}

async function compareOnce(
  httpCase: HttpCase,
  options: ProxyOptions,
  load: Child,
  round: number,
): Promise<RoundSample> {
  const proxy = await startProxy(options);
  await using _proxy = proxy.process;
  const request = await settleRequest(proxy, httpCase);
  const answer = await fetchAnswer(proxy.port, request);
  const bare = await startBareServer(answer);
  await using _bare = bare.process;
  const repeated = await fetchAnswer(bare.port, request);
  if (!isDeepStrictEqual(repeated, answer))
    throw new Error(`${httpCase.name}: the bare server answers otherwise`);

  const windows = { load, request, status: answer.status };
  await burden({ ...windows, server: proxy, requests: warmUpRequests, firstNumber: 0 });
  await burden({ ...windows, server: bare, requests: warmUpRequests, firstNumber: 0 });
  const proxySamples: number[] = [];
  const bareSamples: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const firstNumber = warmUpRequests + pair * windowRequests;
    const measure = (server: MeasuredServer) =>
      burden({ ...windows, server, requests: windowRequests, firstNumber });
    // Each is first as often as the other, so that whoever else uses the machine burdens both alike.
    const proxyIsFirst = (pair + round) % 2 === 0;
    if (proxyIsFirst) proxySamples.push(await measure(proxy));
    bareSamples.push(await measure(bare));
    if (!proxyIsFirst) proxySamples.push(await measure(proxy));
  }
  return {
    proxyUs: summarize(proxySamples).median,
    bareUs: summarize(bareSamples).median,
    ratio: summarize(proxySamples.map((us, pair) => us / (bareSamples[pair] as number))).median,
  };
}

interface Window {
  readonly load: Child;
  readonly server: MeasuredServer;
  readonly request: HttpRequest;
  readonly status: number;
  readonly requests: number;
  readonly firstNumber: number;
}

/** @returns microseconds of the server's CPU for each request */
async function burden({ load, server, ...window }: Window): Promise<number> {
  const before = await server.process.cpuUs();
  const order: LoadOrder = { ...window, ports: [server.port], connections };
  await load.ask(order);
  return ((await server.process.cpuUs()) - before) / window.requests;
}

function summarizeCase({ name, targetRatio }: HttpCase, samples: readonly RoundSample[]): CaseResult {
  const ratio = summarize(samples.map((each) => each.ratio));
  return {
    name,
    targetRatio,
    proxyUs: summarize(samples.map(({ proxyUs }) => proxyUs)),
    bareUs: summarize(samples.map(({ bareUs }) => bareUs)),
    ratio,
    isMissed: !(ratio.median <= targetRatio),
  };
}

function report(results: readonly CaseResult[], { rounds }: BenchOptions): BenchReport {
  const rows = results.map(({ name, targetRatio, proxyUs, bareUs, ratio, isMissed }) => [
    name,
    measureText(proxyUs, 1),
    measureText(bareUs, 1),
    measureText(ratio, 2),
    verdictText(`≤ ${targetRatio}`, isMissed),
  ]);
  const text = tableText(["case", "proxy, µs", "bare, µs", "ratio", "target"], rows);
  const pinning = isPinned ? "server and load on a core each" : "nothing pinned";
  const note =
    `CPU time of a request; ${profileText("standard")}; heavy: ${profileText("heavy")}. ` +
    `${rounds} rounds of fresh processes; ${connections} connections; ${pinning}.`;
  const missed = results
    .filter(({ isMissed }) => isMissed)
    .map(({ name, ratio, targetRatio }) => `${name}: ${ratio.median.toFixed(2)} times, above ${targetRatio}`);
  return {
    tables: [{ marker: "http", text, note }],
    plots: [costByProfile(results)],
    missed,
    figures: { isPinned, connections, profiles: servedProfiles, cases: results },
  };
}

function profileText(name: keyof typeof servedProfiles): string {
  const { features, segments, conditionsPerSegment, identityOverrides } = servedProfiles[name];
  return (
    `${features} features, ${segments} segments of ${conditionsPerSegment} conditions, ` +
    `${identityOverrides} identity overrides`
  );
}

function costByProfile(results: readonly CaseResult[]): Plot {
  return {
    kind: "bars",
    file: "cost-by-profile",
    title: "CPU time of a request",
    caption: "The mark is the target: so many times the bare server's.",
    unit: "µs",
    bars: ["proxy", "bare node:http server, same bytes"],
    groups: results.map(({ name, proxyUs, bareUs, targetRatio }) => ({
      name,
      bars: [proxyUs, bareUs],
      limit: targetRatio * bareUs.median,
    })),
  };
}
