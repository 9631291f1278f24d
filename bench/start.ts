/**
 * Milliseconds from the start of a fresh process to its first 200 of GET flags, of the built proxy and of its
 * source, beside a bare server. Exits 1 where the target is missed. Options: see `runBenchmark`.
 */
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { buildModule, buildProxy, mainFile } from "./built-proxy.ts";
import { httpCase } from "./http-cases.ts";
import {
  getStatus,
  type ProxyProgram,
  spawnProxy,
  startBareServer,
  startUpstream,
  waitUntil,
} from "./measured-servers.ts";
import { profileDocument, standardProfile } from "./profile-document.ts";
import { type Measure, measureText, summarize, tableText, verdictText } from "./statistics.ts";

interface Contestant {
  readonly name: string;
  /** Null: measured for comparison. */
  readonly targetMs: number | null;
  /** @returns milliseconds from its start to its first 200 */
  measure(): Promise<number>;
}

interface StartResult extends Pick<Contestant, "name" | "targetMs"> {
  readonly ms: Measure;
  readonly isMissed: boolean;
}

/** How often it is asked whether it answers. */
const pauseMs = 2;
const { path, headers } = httpCase("GET flags").request;

await runBenchmark(9, async (options) => report(await measureAll(options), options));

async function measureAll({ rounds, includes }: BenchOptions): Promise<StartResult[]> {
  await using stack = new AsyncDisposableStack();
  const built = stack.use(await buildProxy());
  const bare = stack.use(buildModule(new URL("./bare-server.ts", import.meta.url)));
  const source = { ...built, main: mainFile };
  const documents = profileDocument(standardProfile);
  const upstream = stack.adopt(await startUpstream(documents), (each) => each.close());
  const contestants: Contestant[] = [
    { name: "built (what ships)", targetMs: 300, measure: () => startOnce(upstream.apiUrl, built) },
    { name: "from source", targetMs: null, measure: () => startOnce(upstream.apiUrl, source) },
    { name: "a bare node:http server", targetMs: null, measure: () => startBareOnce(bare.main) },
  ].filter(({ name }) => includes(name));
  const samples = contestants.map((): number[] => []);
  // The first of each reads the files from the disk, and is not counted.
  for (let round = -1; round < rounds; round += 1) {
    showProgress(`round ${round + 1} of ${rounds}`);
    for (const [index, { measure }] of contestants.entries()) {
      const ms = await measure();
      if (round >= 0) samples[index]?.push(ms);
    }
  }
  return contestants.map(({ name, targetMs }, index) => {
    const ms = summarize(samples[index] ?? []);
    return { name, targetMs, ms, isMissed: targetMs !== null && !(ms.median <= targetMs) };
  });
}

async function startOnce(apiUrl: string, proxy: ProxyProgram): Promise<number> {
  const startMs = performance.now();
  const server = await spawnProxy({ apiUrl, proxy, core: null });
  await using _server = server.process;
  await waitUntil(async () => (await getStatus(server.port, path, headers)) === 200, pauseMs);
  return performance.now() - startMs;
}

/** It listens when it has told its port, over IPC: nothing of it waits for the benchmark. */
async function startBareOnce(main: URL): Promise<number> {
  const startMs = performance.now();
  const server = await startBareServer({ status: 200, headers: {}, body: Buffer.from("[]") }, main);
  await using _server = server.process;
  await waitUntil(async () => (await getStatus(server.port, path, headers)) === 200, pauseMs);
  return performance.now() - startMs;
}

function report(results: readonly StartResult[], { rounds }: BenchOptions): BenchReport {
  const rows = results.map(({ name, ms, targetMs, isMissed }) => [
    name,
    measureText(ms, 0),
    targetMs === null ? "none" : verdictText(`≤ ${targetMs} ms`, isMissed),
  ]);
  const note = `From the start of the process to the first 200 of GET flags, 50 features; ${rounds} rounds.`;
  return {
    tables: [{ marker: "start", text: tableText(["proxy", "start, ms", "target"], rows), note }],
    plots: [],
    missed: results
      .filter(({ isMissed }) => isMissed)
      .map(({ name, ms, targetMs }) => `start, ${name}: ${ms.median.toFixed(0)} ms, above ${targetMs}`),
    figures: { results },
  };
}
