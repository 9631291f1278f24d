/**
 * Memory of the serving processes of the built proxy, idle and after load, against its targets and beside a
 * bare server. Exits 1 where a target is missed. Options: see `runBenchmark`.
 */
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { buildProxy } from "./built-proxy.ts";
import { Child } from "./child-process.ts";
import type { ProxyProgram } from "./measured-servers.ts";
import { type MemoryCase, type MemoryContents, memoryCases } from "./memory-cases.ts";
import { measureBareServer, measureProxy, type ProcessSample } from "./memory-rounds.ts";
import type { Plot } from "./plot-description.ts";
import { type Measure, measureText, summarize, tableText, verdictText } from "./statistics.ts";

interface MemoryResult {
  readonly name: string;
  readonly role: string;
  readonly environments: number;
  /** Null where it is measured for comparison. */
  readonly targetMib: number | null;
  readonly idleMib: Measure;
  readonly loadedMib: Measure;
  readonly ownMib: Measure;
  readonly peakMib: Measure;
  readonly isMissed: boolean;
}

await runBenchmark(3, async (options) => report(await measureAll(options), options));

async function measureAll({ rounds, includes }: BenchOptions): Promise<MemoryResult[]> {
  using built = await buildProxy();
  await using load = new Child({ program: [new URL("./load-generator.ts", import.meta.url)], core: 1 });
  const results: MemoryResult[] = [];
  for (const memoryCase of memoryCases.filter(({ name }) => includes(name))) {
    const contents = memoryCase.contents();
    const samples: ProcessSample[] = [];
    for (let round = 0; round < rounds; round += 1) {
      showProgress(`round ${round + 1} of ${rounds}: ${memoryCase.name}, ${memoryCase.workers} workers`);
      samples.push(...(await measureProxy(memoryCase, contents, built, load)));
    }
    results.push(...summarizeCase(memoryCase, contents, samples));
  }
  if (includes("bare server")) results.push(await measureBare(rounds, built, load));
  return results;
}

/** One row for each kind of process. */
function summarizeCase(
  { name, workers, environments, targetMib }: MemoryCase,
  contents: MemoryContents,
  samples: readonly ProcessSample[],
): MemoryResult[] {
  const names = {
    alone: "one process",
    worker: `worker, one of ${workers}`,
    primary: `control plane, beside ${workers} workers`,
    archive: `archive, beside ${workers === 1 ? "one process" : `${workers} workers`}`,
  };
  return [...Map.groupBy(samples, ({ role }) => role)].map(([role, own]) => {
    const isServing = role === "alone" || role === "worker";
    const target = isServing ? targetMib(contents.documentMib) : null;
    return summarizeSamples({ name, role: names[role], environments, targetMib: target }, own);
  });
}

async function measureBare(rounds: number, proxy: ProxyProgram, load: Child): Promise<MemoryResult> {
  const samples: ProcessSample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    showProgress(`round ${round + 1} of ${rounds}: a bare server`);
    samples.push(await measureBareServer(proxy, load));
  }
  const bare = { name: "a bare server, one answer of 5.5 kB", role: "one process" };
  return summarizeSamples({ ...bare, environments: 0, targetMib: null }, samples);
}

function summarizeSamples(
  row: Pick<MemoryResult, "name" | "role" | "environments" | "targetMib">,
  samples: readonly ProcessSample[],
): MemoryResult {
  const idleMib = summarize(samples.map((each) => each.idleMib));
  const loadedMib = summarize(samples.map((each) => each.loadedMib));
  const mostMib = Math.max(idleMib.median, loadedMib.median);
  return {
    ...{ ...row, idleMib, loadedMib },
    ownMib: summarize(samples.map((each) => each.ownMib)),
    peakMib: summarize(samples.map((each) => each.peakMib)),
    isMissed: row.targetMib !== null && !(mostMib <= row.targetMib),
  };
}

function report(results: readonly MemoryResult[], { rounds }: BenchOptions): BenchReport {
  const rows = results.map((result) => [
    result.name,
    result.role,
    measureText(result.idleMib, 0),
    measureText(result.loadedMib, 0),
    measureText(result.ownMib, 0),
    measureText(result.peakMib, 0),
    result.targetMib === null ? "none" : verdictText(`≤ ${result.targetMib.toFixed(0)}`, result.isMissed),
  ]);
  const head = ["served", "process", "idle, MiB", "after load, MiB", "of it own", "most ever, MiB", "target"];
  const missed = results
    .filter(({ isMissed }) => isMissed)
    .map(({ name, role, idleMib, loadedMib, targetMib }) => {
      const most = Math.max(idleMib.median, loadedMib.median);
      return `memory, ${name}, ${role}: ${most.toFixed(0)} MiB, above ${targetMib?.toFixed(0)}`;
    });
  const note =
    `Resident memory (VmRSS) of fresh processes of the built form, two seconds after the start or the last ` +
    `publish, and two seconds after 30,000 POST identities with another body each; own is what is no ` +
    `file's content (RssAnon): Node's program file is in memory once for all processes. ${rounds} rounds.`;
  return {
    tables: [{ marker: "memory", text: tableText(head, rows), note }],
    plots: [memoryPlot(results)],
    missed,
    figures: { results },
  };
}

function memoryPlot(results: readonly MemoryResult[]): Plot {
  const points = results.filter(({ name, role }) => role === "one process" && /environment/.test(name));
  const sorted = points.toSorted((left, right) => left.environments - right.environments);
  return {
    kind: "lines",
    file: "memory-against-environments",
    title: "Memory of one process that serves environments of 20 features",
    caption: "The limit is the target for 1,000 environments.",
    x: { label: "environments", isLogarithmic: false },
    y: { label: "resident memory, MiB", isLogarithmic: false },
    lines: [
      {
        name: "after load",
        colour: 0,
        points: sorted.map((each) => [each.environments, each.loadedMib.median]),
      },
      { name: "idle", colour: 1, points: sorted.map((each) => [each.environments, each.idleMib.median]) },
    ],
    limit: { name: "target", y: 250 },
  };
}
