/** Turns the outcome of a comparison into tables or JSON, failures first in mind. It measures nothing. */
import { type Measure, measureText, summarize, tableText } from "../statistics.ts";
import type { CaseOutcome, WindowFigures } from "./comparison-rounds.ts";

export interface ComparedFigure {
  readonly a: Measure;
  readonly b: Measure;
  /** B to A, taken within each round. */
  readonly ratio: Measure;
}

/** What is true of the whole run. */
export interface RunFacts {
  readonly servers: { readonly a: string; readonly b: string };
  readonly node: string;
  readonly tool: string;
  readonly cpuSource: string;
  readonly pinning: string;
  readonly profile: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly notes: readonly string[];
}

/** The figures in the order of the table, with their digits. */
const figureRows: readonly (readonly [keyof WindowFigures, string, number])[] = [
  ["cpuUs", "CPU, µs/request", 1],
  ["requestsPerSecond", "requests/s", 0],
  ["p50Ms", "p50, ms", 2],
  ["p99Ms", "p99, ms", 2],
  ["p999Ms", "p99.9, ms", 2],
  ["coresInUse", "cores in use", 2],
];

/** Below it, a server waited for requests: its throughput is not its own. */
const busyMin = 0.85;

/** @returns all that failed, a line each, with the name of the case */
export function failureLines(outcomes: readonly CaseOutcome[]): string[] {
  return outcomes.flatMap(({ compared, failures, rounds }) =>
    [...failures, ...rounds.flatMap((round) => round.failures)].map((each) => `${compared.name}: ${each}`),
  );
}

/** The whole as a person reads it. */
export function reportText(facts: RunFacts, outcomes: readonly CaseOutcome[]): string {
  const { servers, rounds, seconds, warmUpSeconds, connections } = facts;
  const failures = failureLines(outcomes);
  const parts = [
    `A: ${servers.a}\nB: ${servers.b}`,
    ...outcomes.map(caseText),
    `${rounds} round${rounds === 1 ? "" : "s"}, windows of ${seconds} s after ${warmUpSeconds} s, ` +
      `${connections} connections by ${facts.tool}, profile ${facts.profile}, Node ${facts.node}\n` +
      `${facts.pinning}; CPU from ${facts.cpuSource}`,
    ...facts.notes.map((note) => `NOTE: ${note}`),
    ...(failures.length === 0 ? [] : [`FAILURES: ${failures.length}`]),
    ...failures.map((each) => `FAILED: ${each}`),
  ];
  return parts.join("\n\n");
}

/** The same for machines, with the figures of each round. */
export function reportJson(facts: RunFacts, outcomes: readonly CaseOutcome[]): string {
  const cases = outcomes.map((outcome) => ({
    name: outcome.compared.name,
    method: outcome.compared.request.method,
    path: outcome.compared.request.path,
    figures: Object.fromEntries(figureRows.map(([key]) => [key, compareFigure(outcome, key)])),
    notes: [...outcome.notes, ...idleNotes(outcome)],
    failures: failureLines([outcome]),
    rounds: outcome.rounds.map(({ figures: [a, b] }) => ({ a, b })),
  }));
  return JSON.stringify({ ...facts, failed: failureLines(outcomes).length > 0, cases });
}

function caseText(outcome: CaseOutcome): string {
  const { compared, rounds, notes } = outcome;
  const title = `${compared.name}: ${compared.request.method} ${compared.request.path}`;
  if (rounds.length === 0) return `${title}\nnot measured: see FAILED below`;
  const rows = figureRows.map(([key, name, digits]) => {
    const figure = compareFigure(outcome, key);
    if (figure === null) return [name, ...sideCells(outcome, key, digits), "unknown"];
    return [name, ...sideCells(outcome, key, digits), measureText(figure.ratio, 2)];
  });
  const clean = rounds.filter(({ failures }) => failures.length === 0).length;
  const lines = [
    title,
    tableText(["figure", "A", "B", "B/A"], rows),
    clean === rounds.length
      ? "no failures"
      : `FAILURES in ${rounds.length - clean} of ${rounds.length} rounds`,
    ...[...notes, ...idleNotes(outcome)].map((note) => `NOTE: ${note}`),
  ];
  return lines.join("\n");
}

function sideCells(outcome: CaseOutcome, key: keyof WindowFigures, digits: number): string[] {
  return ([0, 1] as const).map((place) => {
    const samples = samplesOf(outcome, place, key);
    return samples.length === 0 ? "unknown" : measureText(summarize(samples), digits);
  });
}

/** @returns null where no round has the figure for both */
function compareFigure(outcome: CaseOutcome, key: keyof WindowFigures): ComparedFigure | null {
  const pairs = outcome.rounds.flatMap(({ figures: [left, right] }) => {
    const [a, b] = [left?.[key] ?? null, right?.[key] ?? null];
    return a === null || b === null ? [] : [{ a, b }];
  });
  if (pairs.length === 0) return null;
  return {
    a: summarize(samplesOf(outcome, 0, key)),
    b: summarize(samplesOf(outcome, 1, key)),
    ratio: summarize(pairs.map(({ a, b }) => b / a)),
  };
}

function samplesOf({ rounds }: CaseOutcome, place: 0 | 1, key: keyof WindowFigures): number[] {
  return rounds.flatMap(({ figures }) => figures[place]?.[key] ?? []);
}

/** Says where the CPU is unknown, and where throughput is bounded by something else than the server. */
function idleNotes(outcome: CaseOutcome): string[] {
  return (["A", "B"] as const).flatMap((side, place) => {
    const measured = outcome.rounds.map(({ figures }) => figures[place]).filter((each) => each != null);
    if (measured.length === 0) return [];
    const busy = measured.flatMap(({ coresInUse }) => coresInUse ?? []);
    if (busy.length === 0)
      return [`${side}: its CPU is unknown; the processes that were started used none to speak of`];
    if (summarize(busy).median >= busyMin) return [];
    const bound = "the load tool or other programs bound its requests/s and latencies";
    return [`${side} did not use its core up: ${bound}`];
  });
}
