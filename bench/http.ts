/**
 * CPU time per request of our proxy against a bare `node:http` server that writes the same bytes, as a
 * ratio for each case. Exits 1 where a target is missed. `--json` for machines, `--rounds=N`, `--only=TEXT`
 * for cases by name.
 */
import { isDeepStrictEqual, parseArgs } from "node:util";
import { Child, isPinned } from "./child-process.ts";
import { type HttpCase, type HttpRequest, httpCases } from "./http-cases.ts";
import type { LoadOrder } from "./load-generator.ts";
import {
  fetchAnswer,
  type MeasuredServer,
  settleRequest,
  startBareServer,
  startProxy,
  startUpstream,
} from "./measured-servers.ts";
import { profileDocument, standardProfile } from "./profile-document.ts";
import { type Measure, measureText, summarize, tableText } from "./statistics.ts";

const connections = 32;
const warmUpRequests = 8000;
const windowRequests = 3000;
/** Pairs of windows, one on each server, for each pair of fresh processes. */
const pairs = 6;

interface CaseResult {
  readonly name: string;
  readonly targetRatio: number | null;
  readonly proxyUs: Measure;
  readonly bareUs: Measure;
  readonly ratio: Measure;
  readonly missed: boolean;
}

/** What one pair of fresh processes gave: medians over its windows. */
interface RoundSample {
  readonly proxyUs: number;
  readonly bareUs: number;
  readonly ratio: number;
}

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "" },
  },
});
const rounds = Number(options.rounds);
const cases = httpCases.filter(({ name }) => name.includes(options.only));
const results = await compareAll();
report(results);
process.exitCode = results.some(({ missed }) => missed) ? 1 : 0;

async function compareAll(): Promise<CaseResult[]> {
  const upstream = await startUpstream(profileDocument(standardProfile));
  await using load = new Child({ program: [new URL("./load-generator.ts", import.meta.url)], core: 1 });
  const samples = cases.map((): RoundSample[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, httpCase] of cases.entries()) {
      showProgress(`round ${round + 1} of ${rounds}: ${httpCase.name}`);
      samples[index]?.push(await compareOnce(httpCase, upstream.apiUrl, load, round));
    }
  }
  showProgress("");
  upstream.close();
  return cases.map((httpCase, index) => summarizeCase(httpCase, samples[index] ?? []));
}

async function compareOnce(
  httpCase: HttpCase,
  apiUrl: string,
  load: Child,
  round: number,
): Promise<RoundSample> {
  const proxy = await startProxy(apiUrl);
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
  const order: LoadOrder = { ...window, port: server.port, connections };
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
    missed: targetRatio !== null && !(ratio.median <= targetRatio),
  };
}

/** One line, written over, where someone looks on. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(72)}\r`);
}

function report(all: readonly CaseResult[]): void {
  const machine = { node: process.version, isPinned, rounds, profile: standardProfile };
  if (options.json) {
    console.log(JSON.stringify({ ...machine, cases: all }));
    return;
  }
  const rows = all.map(({ name, targetRatio, proxyUs, bareUs, ratio, missed }) => [
    name,
    measureText(proxyUs, 1),
    measureText(bareUs, 1),
    measureText(ratio, 2),
    targetRatio === null ? "none yet" : `${targetRatio} ${missed ? "MISSED" : "met"}`,
  ]);
  console.log(tableText(["case", "proxy, µs", "bare, µs", "ratio", "target"], rows));
  console.log(`\n${rounds} rounds, ${connections} connections, Node ${process.version}, pinned: ${isPinned}`);
}
