/**
 * `npm run bench`: runs each benchmark for a few rounds, each in a process of its own, and writes the tables
 * of `docs/performance.md` and the plots of `docs/plots/`. Exits 1 where a target is missed or a benchmark
 * fails. `--only=NAME` runs one; `--document=FILE` and `--plots=FOLDER` write elsewhere.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { BenchReport } from "./bench-command.ts";
import { checkMarkers, MarkerError, replaceTables } from "./performance-document.ts";
import { drawPlot } from "./svg-plot.ts";

interface Benchmark {
  readonly name: string;
  readonly rounds: number;
  readonly markers: readonly string[];
}

/** Short: the rounds of each alone are more. */
const benchmarks: readonly Benchmark[] = [
  { name: "engine", rounds: 9, markers: ["engine", "engine-every-segment"] },
  { name: "sizes", rounds: 9, markers: ["sizes"] },
  { name: "http", rounds: 3, markers: ["http"] },
  { name: "workers", rounds: 3, markers: ["workers"] },
  { name: "start", rounds: 9, markers: ["start"] },
  { name: "memory", rounds: 2, markers: ["memory"] },
  { name: "publish", rounds: 3, markers: ["publish"] },
  { name: "streams", rounds: 3, markers: ["streams"] },
  { name: "propagation", rounds: 1, markers: ["propagation"] },
  { name: "overload", rounds: 2, markers: ["overload"] },
];

const machineMarker = "machine";
/** The longest takes nine minutes. */
const benchmarkLimitMs = 1_800_000;
const exitCodes = { ok: 0, failure: 1, wrongUsage: 64, interrupted: 130 } as const;
const folderOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    document: { type: "string", default: folderOf("../docs/performance.md") },
    plots: { type: "string", default: folderOf("../docs/plots") },
  },
});
const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => interruption.abort());
process.exitCode = await runAll(benchmarks.filter(({ name }) => (options.only ?? name) === name));

async function runAll(chosen: readonly Benchmark[]): Promise<number> {
  try {
    if (chosen.length === 0)
      throw new MarkerError(`--only: not one of ${benchmarks.map(({ name }) => name)}`);
    // Before minutes are spent on what cannot be written.
    const markers = [machineMarker, ...chosen.flatMap((each) => each.markers)];
    checkMarkers(readFileSync(options.document, "utf8"), markers);
    return await measureAndWrite(chosen);
  } catch (error) {
    if (!(error instanceof MarkerError)) throw error;
    console.error(`${options.document}: ${error.message}`);
    return exitCodes.wrongUsage;
  }
}

async function measureAndWrite(chosen: readonly Benchmark[]): Promise<number> {
  const missed: string[] = [];
  const failed: string[] = [];
  for (const [index, benchmark] of chosen.entries()) {
    announce(`${index + 1} of ${chosen.length}: ${benchmark.name}`);
    const report = await run(benchmark);
    if (interruption.signal.aborted) return exitCodes.interrupted;
    if (report === null) failed.push(benchmark.name);
    else write(report);
    missed.push(...(report?.missed ?? []));
  }
  for (const sentence of missed) console.error(`MISSED: ${sentence}`);
  for (const name of failed) console.error(`FAILED: ${name}, and its tables stay as they were`);
  console.log(`${missed.length} targets missed, ${failed.length} benchmarks failed; see ${options.document}`);
  return missed.length + failed.length > 0 ? exitCodes.failure : exitCodes.ok;
}

/** @returns null where it failed; it said why itself */
async function run({ name, rounds }: Benchmark): Promise<BenchReport | null> {
  const child = spawn(process.execPath, [folderOf(`./${name}.ts`), "--json", `--rounds=${rounds}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // It ends what it started itself.
  const limit = AbortSignal.any([interruption.signal, AbortSignal.timeout(benchmarkLimitMs)]);
  limit.addEventListener("abort", () => child.kill());
  const closed = once(child, "close");
  const output = await text(child.stdout);
  await closed;
  return output === "" ? null : (JSON.parse(output) as BenchReport);
}

function write({ tables, plots }: BenchReport): void {
  const contents = tables.map(({ marker, text: table, note }) => [marker, `${table}\n\n${note}`] as const);
  const document = readFileSync(options.document, "utf8");
  writeFileSync(
    options.document,
    replaceTables(document, new Map([[machineMarker, machineText()], ...contents])),
  );
  mkdirSync(options.plots, { recursive: true });
  for (const plot of plots) writeFileSync(join(options.plots, `${plot.file}.svg`), drawPlot(plot));
}

function machineText(): string {
  const model = cpus()[0]?.model ?? "an unknown processor";
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return (
    `Measured on ${availableParallelism()} cores (${model}), ${gigabytes} GiB, ${type()} ${release()}, ` +
    `Node ${process.version}, by \`npm run bench\`.`
  );
}

/** A line of its own where nobody looks on; the benchmarks write over it where somebody does. */
function announce(progress: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r${progress.padEnd(100)}\r` : `${progress}\n`);
}
