/** The report of a soak: its table, its plot, and which targets (G5, G6) it missed. It measures nothing. */
import type { BenchReport } from "../bench-command.ts";
import { countsOf, percentileMs } from "../load-outcomes.ts";
import type { LinePlot } from "../plot-description.ts";
import { countText, tableText, verdictText } from "../statistics.ts";
import type { ChaosEvent } from "./chaos.ts";
import { judgeSamples, type SoakFindings, type SoakSample } from "./soak-samples.ts";

export interface SoakResult {
  readonly workers: number;
  readonly minutes: number;
  readonly aborted: number;
  readonly samples: readonly SoakSample[];
  /** Open before the first client came, and after the last one went. */
  readonly idleDescriptors: readonly [before: number, after: number];
  readonly failures: readonly string[];
  /** Null: nothing was broken on purpose. */
  readonly chaos: ChaosResult | null;
}

export interface ChaosResult {
  readonly seed: number;
  readonly events: readonly ChaosEvent[];
  /** What planned faults have cost, such as `C1 kill -9 of a worker: reset`. */
  readonly planned: Readonly<Record<string, number>>;
}

const slopeMaxMib = 1;
const driftMax = 0.1;
/** The archive's files come and go. */
const descriptorsMax = 4;

interface Row {
  readonly what: string;
  readonly value: string;
  readonly target?: string;
  readonly isMissed?: boolean;
}

export function reportSoak(result: SoakResult): BenchReport {
  const findings = judgeSamples(result.samples);
  // Where processes are killed, others with a memory of their own take their place.
  const rows = [...countRows(result), ...(result.chaos === null ? leakRows(result, findings) : [])];
  const cells = rows.map(({ what, value, target, isMissed = false }) => [
    what,
    value,
    target === undefined ? "none" : verdictText(target, isMissed),
  ]);
  const { samples: _samples, ...counts } = result;
  const note =
    `${result.minutes.toFixed(1)} minutes, ${result.workers} workers, another document each second; the ` +
    "first quarter is the warm-up, and all else is compared with the second one.";
  const tables = [{ marker: "soak", text: tableText(["what", "found", "target"], cells), note }];
  if (result.chaos !== null) tables.push(chaosTable(result.chaos));
  return {
    tables,
    plots: [plotOf(result.samples)],
    missed: [
      ...rows.filter(({ isMissed }) => isMissed).map(({ what, value }) => `${what}: ${value}`),
      ...result.failures,
    ],
    figures: { ...counts, ...findings, samples: result.samples.map(figuresOf) },
  };
}

function countRows({ samples, aborted, failures }: SoakResult): Row[] {
  const last = samples.at(-1);
  return [
    { what: "requests", value: countText(last?.requests ?? 0) },
    { what: "clients that went away amid theirs", value: countText(aborted) },
    {
      what: "kinds of outcomes that were not planned",
      value: String(failures.length),
      target: "0",
      isMissed: failures.length > 0,
    },
  ];
}

function leakRows(
  { idleDescriptors: [before, after] }: SoakResult,
  { slopeMib, slopeErrorMib, descriptors, p99Ms }: SoakFindings,
): Row[] {
  const drift = p99Ms[1] / p99Ms[0] - 1;
  return [
    {
      what: "resident memory, MiB per million requests",
      value: `${slopeMib.toFixed(2)} ± ${slopeErrorMib.toFixed(2)}`,
      target: `≤ ${slopeMaxMib}`,
      isMissed: !(slopeMib <= slopeMaxMib),
    },
    {
      what: "descriptors under load, first and last",
      value: descriptors.join(", "),
      target: `≤ ${descriptorsMax} more`,
      isMissed: descriptors[1] > descriptors[0] + descriptorsMax,
    },
    {
      what: "descriptors without clients, before and after",
      value: `${before}, ${after}`,
      target: `≤ ${descriptorsMax} more`,
      isMissed: after > before + descriptorsMax,
    },
    {
      what: "p99, first and last, ms",
      value: `${p99Ms.map((ms) => ms.toFixed(2)).join(", ")} (${(drift * 100).toFixed(0)} %)`,
      target: `≤ ${driftMax * 100} % more`,
      isMissed: !(drift <= driftMax),
    },
  ];
}

function chaosTable({ seed, events, planned }: ChaosResult) {
  const byFault = Map.groupBy(events, ({ fault }) => fault);
  const rows = [...byFault].toSorted().map(([fault, all]) => {
    const lost = Object.entries(planned).filter(([what]) => what.startsWith(`${fault}: `));
    const lostTexts = lost.map(([what, count]) => `${count} ${what.slice(fault.length + 2)}`);
    const healedMs = Math.max(...all.map((each) => each.healedMs));
    return [fault, String(all.length), lostTexts.join(", ") || "nothing", (healedMs / 1000).toFixed(1)];
  });
  const head = ["fault", "times", "requests lost, as planned", "healed after at most, s"];
  const note = `Seed ${seed}. Healed: every worker serves a document that is newer than the fault's end.`;
  return { marker: "chaos", text: tableText(head, rows), note };
}

/** All as a multiple of what it was after the warm-up, so that one plot shows what stays as it was. */
function plotOf(samples: readonly SoakSample[]): LinePlot {
  const start = samples[Math.floor(samples.length / 4)] as SoakSample;
  const line = (name: string, colour: number, unit: string, of: (sample: SoakSample) => number) => ({
    name: `${name}, 1 is ${Math.round(of(start) * 10) / 10}${unit}`,
    colour,
    points: samples.map((sample) => [sample.requests / 1e6, of(sample) / of(start)] as const),
  });
  return {
    kind: "lines",
    file: "soak",
    title: "A soak",
    caption: "Memory, descriptors and p99 over the requests, each divided by its value after the warm-up.",
    x: { label: "requests, millions", isLogarithmic: false },
    y: { label: "times the value after the warm-up", isLogarithmic: false },
    lines: [
      line("RSS", 0, " MiB", ({ rssMib }) => rssMib),
      line("descriptors", 1, "", ({ descriptors }) => descriptors),
      line("p99", 2, " ms", (sample) => figuresOf(sample).p99Ms),
    ],
  };
}

/** As a sample is told and printed. */
export function figuresOf({ latencies, ...sample }: SoakSample) {
  const [p50Ms, p99Ms] = [0.5, 0.99].map((share) => percentileMs(latencies, share, "200"));
  return { ...sample, p50Ms: p50Ms ?? 0, p99Ms: p99Ms ?? 0, timed: countsOf(latencies) };
}
