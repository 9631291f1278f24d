/**
 * What all benchmark commands have in common: their options, their report in text or JSON, and the exit code
 * that tells of a missed target. It measures nothing.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import type { Plot } from "./plot-description.ts";

export interface BenchOptions {
  readonly rounds: number;
  /** Whether a case of this name is to be measured. */
  includes(name: string): boolean;
}

/** One table of `docs/performance.md`. */
export interface BenchTable {
  /** What stands in the document's marker. */
  readonly marker: string;
  /** Markdown. */
  readonly text: string;
  /** One line beneath: how it was measured. */
  readonly note: string;
}

export interface BenchReport {
  readonly tables: readonly BenchTable[];
  readonly plots: readonly Plot[];
  /** One sentence for each target that was missed. */
  readonly missed: readonly string[];
  /** All figures, for machines. */
  readonly figures: object;
}

const exitCodes = { ok: 0, missed: 1, wrongUsage: 64, interrupted: 130 } as const;

/**
 * Runs a benchmark: `--json` for machines, `--rounds=N`, `--only=TEXT` for cases by name. The exit code is 1
 * where a target is missed.
 */
export async function runBenchmark(
  roundsDefault: number,
  measure: (options: BenchOptions) => Promise<BenchReport>,
): Promise<void> {
  const { json, ...options } = optionsOrExit(() => readOptions(roundsDefault));
  await runReporting(json, async () => ({ rounds: options.rounds, ...(await measure(options)) }));
}

/** @returns what `read` does; where it throws, the process ends with its message: wrong usage */
export function optionsOrExit<Options>(read: () => Options): Options {
  try {
    return read();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(exitCodes.wrongUsage);
  }
}

/**
 * Measures and reports, in JSON or in text. The exit code is 1 where a target is missed.
 * @param measure ends by itself; a signal ends the process before
 */
export async function runReporting(json: boolean, measure: () => Promise<BenchReport>): Promise<void> {
  // What was started ends with this process, but not by a signal's own doing.
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => process.exit(exitCodes.interrupted));
  const report = await measure();
  showProgress("");
  if (json) console.log(JSON.stringify({ node: process.version, ...report }));
  else print(report);
  process.exitCode = report.missed.length > 0 ? exitCodes.missed : exitCodes.ok;
}

function readOptions(roundsDefault: number): BenchOptions & { readonly json: boolean } {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      rounds: { type: "string", default: String(roundsDefault) },
      only: { type: "string", default: "" },
    },
  });
  const { json, only } = values;
  return { json, rounds: numberAboveZero("rounds", values.rounds), includes: (name) => name.includes(only) };
}

/** @throws Error naming the option where it is no whole number above zero */
export function numberAboveZero(option: string, text: string): number {
  const number = Number(text);
  if (!(Number.isInteger(number) && number > 0))
    throw new Error(`--${option}: expected a whole number above 0`);
  return number;
}

function print({ tables, missed }: BenchReport): void {
  for (const { text, note } of tables) console.log(`${text}\n\n${note}\n`);
  for (const sentence of missed) console.error(`MISSED: ${sentence}`);
}

/** One line, written over, where someone looks on. */
export function showProgress(text: string): void {
  if (!process.stderr.isTTY) return;
  const name = basename(process.argv[1] ?? "", ".ts");
  process.stderr.write(`\r${(text === "" ? "" : `${name}: ${text}`).slice(0, 100).padEnd(100)}\r`);
}
