/**
 * The measuring itself: first whether both servers answer each case, then rounds of fresh processes with
 * the order turned. It prints nothing but progress.
 */
import type { ComparedCase } from "./compared-case.ts";
import {
  type ComparedServer,
  type ServerPlan,
  type Surroundings,
  startComparedServer,
} from "./compared-server.ts";
import { ComparisonError } from "./comparison-errors.ts";
import { type LoadToolName, runWindow, type WindowOrder, type WindowResult } from "./load-tool.ts";
import type { CpuClock } from "./process-cpu.ts";
import { probe, settleCase } from "./server-probe.ts";

export interface Measuring {
  readonly plans: readonly [ServerPlan, ServerPlan];
  readonly surroundings: Surroundings;
  readonly tool: LoadToolName;
  /** Such as `taskset -c 1`, for the load tool. */
  readonly loadPrefix: readonly string[];
  readonly clock: CpuClock;
  readonly connections: number;
  readonly windowSeconds: number;
  readonly warmUpSeconds: number;
  readonly onProgress: (text: string) => void;
}

/** What one window showed of one server. The CPU's figures are null where they are unknown. */
export interface WindowFigures {
  readonly cpuUs: number | null;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly coresInUse: number | null;
}

export interface RoundSample {
  /** Of A and of B; null where something failed in the window: what fails fast is not fast. */
  readonly figures: readonly [WindowFigures | null, WindowFigures | null];
  readonly failures: readonly string[];
}

export interface CaseOutcome {
  readonly compared: ComparedCase;
  readonly rounds: RoundSample[];
  readonly failures: string[];
  readonly notes: string[];
}

/** No server answers a request with less: what is below runs elsewhere, in a container for one. */
const plausibleUsMin = 1;

/**
 * Starts both servers once, and asks for each case.
 * @returns an outcome for each case, with what is to be said of it so far
 * @throws ComparisonError where a server does not start
 */
export async function checkCases(
  { plans, surroundings, onProgress }: Measuring,
  cases: readonly ComparedCase[],
): Promise<CaseOutcome[]> {
  const outcomes = cases.map((compared): CaseOutcome => ({ compared, rounds: [], failures: [], notes: [] }));
  const answers = cases.map((): Map<string, { status: number; body: Buffer }> => new Map());
  for (const plan of plans) {
    onProgress(`asking ${plan.side} for each case`);
    await using server = await startComparedServer(plan, surroundings).catch((error: Error) => {
      throw new ComparisonError(`${plan.side} ${error.message}`, { cause: error });
    });
    for (const [index, { compared, failures }] of outcomes.entries()) {
      try {
        const { answer } = await settleCase(server.origin, compared, surroundings.signal);
        answers[index]?.set(plan.side, answer);
      } catch (error) {
        failures.push(`${plan.side} ${faultText(error)}`);
      }
    }
  }
  for (const [index, { failures, notes }] of outcomes.entries()) {
    const [a, b] = ["A", "B"].map((side) => answers[index]?.get(side));
    if (a === undefined || b === undefined) continue;
    if (a.status !== b.status) failures.push(`A answers ${a.status}, and B ${b.status}`);
    else if (!a.body.equals(b.body))
      notes.push(`the answers differ: ${a.body.length} bytes from A, ${b.body.length} from B`);
  }
  return outcomes;
}

/** Measures a case once on both servers, and adds it to the case's rounds. */
export async function measureRound(measuring: Measuring, outcome: CaseOutcome, round: number): Promise<void> {
  const { plans } = measuring;
  const order: readonly (0 | 1)[] = round % 2 === 0 ? [0, 1] : [1, 0];
  const figures: [WindowFigures | null, WindowFigures | null] = [null, null];
  const failures: string[] = [];
  for (const place of order) {
    const faults: string[] = [];
    try {
      const measured = await measureServer(measuring, plans[place], outcome.compared, faults);
      if (faults.length === 0) figures[place] = measured;
    } catch (error) {
      faults.push(faultText(error));
    }
    failures.push(...faults.map((fault) => `round ${round + 1}: ${plans[place].side} ${fault}`));
  }
  outcome.rounds.push({ figures, failures });
}

async function measureServer(
  measuring: Measuring,
  plan: ServerPlan,
  compared: ComparedCase,
  faults: string[],
): Promise<WindowFigures> {
  const { surroundings, clock, connections, windowSeconds, warmUpSeconds } = measuring;
  const { signal } = surroundings;
  await using server = await startComparedServer(plan, surroundings);
  const { origin } = server;
  const { request, answer } = await settleCase(origin, compared, signal);
  const order = { origin, request, connections, firstNumber: 0 };
  const warmUp = { ...order, seconds: warmUpSeconds };
  const warmed = warmUpSeconds === 0 ? 0 : (await burden(measuring, warmUp, server, faults)).requests;
  const before = clock.readUs(server.pid);
  const window = { ...order, seconds: windowSeconds, firstNumber: warmed + connections };
  const result = await burden(measuring, window, server, faults);
  const after = clock.readUs(server.pid);
  const last = await probe(origin, request, signal).catch(({ message }: Error) => ({ status: message }));
  signal.throwIfAborted();
  if (last.status !== answer.status)
    faults.push(`answered ${answer.status} before the window, and after it: ${last.status}`);
  return toFigures(result, before === null || after === null ? null : after - before);
}

/**
 * Puts load on the server, and collects what went wrong. @throws ComparisonError where nothing can be said
 */
async function burden(
  { tool, surroundings, loadPrefix }: Measuring,
  order: WindowOrder,
  server: ComparedServer,
  faults: string[],
): Promise<WindowResult> {
  const { scratch, signal } = surroundings;
  const sending = runWindow(tool, order, { scratch, prefix: loadPrefix, signal });
  // How the server ended says more than what the load tool made of it.
  const result = await sending.catch((error: Error) => {
    signal.throwIfAborted();
    throw new ComparisonError(server.endText() ?? error.message, { cause: error });
  });
  const counts = Object.entries(result.failures).filter(([, count]) => count > 0);
  if (counts.length > 0) {
    const text = counts.map(([name, count]) => `${count} ${name}`).join(", ");
    faults.push(`${text} (${result.requests} answers in all)`);
  }
  const ended = server.endText();
  if (ended !== null) throw new ComparisonError([...faults.splice(0), ended].join("; it "));
  if (result.requests === 0) faults.push("answered no request in the window");
  return result;
}

function toFigures(result: WindowResult, cpuUs: number | null): WindowFigures {
  const { requests, seconds, p50Ms, p99Ms, p999Ms } = result;
  const isKnown = cpuUs !== null && cpuUs / requests >= plausibleUsMin;
  return {
    cpuUs: isKnown ? cpuUs / requests : null,
    requestsPerSecond: requests / seconds,
    p50Ms,
    p99Ms,
    p999Ms,
    coresInUse: isKnown ? cpuUs / (seconds * 1e6) : null,
  };
}

function faultText(error: unknown): string {
  if (error instanceof ComparisonError) return error.message;
  throw error;
}
