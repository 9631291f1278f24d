/**
 * Starts one of the compared servers as a fresh process group, waits until it is ready, and ends it. It
 * does not know what is measured.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../test/support/local-ports.ts";
import { clientKey, serverKey } from "../profile-document.ts";
import type { Side } from "./compare-options.ts";
import { ComparisonError } from "./comparison-errors.ts";
import { fillPlaceholders } from "./placeholders.ts";
import { isListening, probe } from "./server-probe.ts";

/** How to start a server; `{port}` and the other places are still to be filled. */
export interface ServerPlan {
  readonly side: Side;
  readonly name: string;
  readonly program: readonly [string, ...string[]];
  readonly url: string;
  readonly readyPath: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Where commands of the user run, with the variables of the user; ours get an empty folder and PATH. */
  readonly isForeign: boolean;
}

/** What is the same for each start. */
export interface Surroundings {
  /** An empty folder of this run. */
  readonly scratch: string;
  readonly apiUrl: string;
  /** Such as `taskset -c 0`; empty where nothing is pinned. */
  readonly prefix: readonly string[];
  readonly startLimitMs: number;
  readonly signal: AbortSignal;
}

export interface ComparedServer extends AsyncDisposable {
  readonly origin: string;
  readonly pid: number;
  /** How the process ended, with its last lines; null while it lives. */
  endText(): string | null;
}

const readyPauseMs = 25;
/** How long a foreign server may take to end by itself: what `docker run` started must hear SIGTERM. */
const endLimitMs = 5000;
const lastLines = 20;

/**
 * @returns the server, ready
 * @throws ComparisonError where it does not start, with its last lines
 */
export async function startComparedServer(
  plan: ServerPlan,
  surroundings: Surroundings,
): Promise<ComparedServer> {
  const url = fillPlaceholders(plan.url, {
    port: plan.url.includes("{port}") ? String(await freePort()) : "",
  });
  const { origin, port } = new URL(url);
  if (await isListening(origin))
    throw new ComparisonError(`cannot be started: something else listens at ${origin}`);
  const logFile = join(surroundings.scratch, `server-${plan.side}.log`);
  const child = await spawnServer(plan, port || "80", logFile, surroundings);
  const server: ComparedServer = {
    origin,
    pid: child.pid as number,
    endText: () => endTextOf(child, logFile),
    [Symbol.asyncDispose]: () => endServer(child, plan.isForeign),
  };
  try {
    await becomeReady(server, plan.readyPath, logFile, surroundings);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function spawnServer(
  plan: ServerPlan,
  port: string,
  logFile: string,
  { scratch, apiUrl, prefix }: Surroundings,
): Promise<ChildProcess> {
  const fill = (text: string) => fillPlaceholders(text, { apiUrl, port, clientKey, serverKey });
  const [file = "", ...args] = [...prefix, ...plan.program.map(fill)];
  const inherited = plan.isForeign ? process.env : { PATH: process.env["PATH"] };
  const own = Object.entries(plan.variables).map(([name, value]) => [name, fill(value)]);
  // A file, not a pipe: nobody has to read what a server writes while it is measured.
  const log = openSync(logFile, "w");
  try {
    const child = spawn(file, args, {
      cwd: plan.isForeign ? process.cwd() : scratch,
      env: { ...inherited, ...Object.fromEntries(own) },
      stdio: ["ignore", log, log],
      // A session and process group of its own, to be ended as a whole.
      detached: true,
    });
    await once(child, "spawn").catch((error: Error) => {
      throw new ComparisonError(`cannot be started: ${error.message}`, { cause: error });
    });
    return child;
  } finally {
    closeSync(log);
  }
}

async function becomeReady(
  server: ComparedServer,
  path: string,
  logFile: string,
  { startLimitMs, signal }: Surroundings,
): Promise<void> {
  const request = { method: "GET", path, headers: {}, body: "" };
  const end = performance.now() + startLimitMs;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(startLimitMs)]);
  let last = "nothing accepts connections";
  while (performance.now() < end) {
    const answer = await probe(server.origin, request, limited).catch(({ message }: Error) => message);
    signal.throwIfAborted();
    const ended = server.endText();
    if (ended !== null) throw new ComparisonError(`${ended.replace(/^ended/, "ended before it was ready")}`);
    if (typeof answer !== "string" && answer.status === 200) return;
    last = typeof answer === "string" ? answer : `it answers ${answer.status}`;
    await sleep(readyPauseMs, undefined, { signal });
  }
  const where = `${server.origin}${path}`;
  const limit = `${startLimitMs / 1000} s`;
  throw new ComparisonError(`was not ready at ${where} within ${limit}: ${last}${logText(logFile)}`);
}

function endTextOf({ exitCode, signalCode }: ChildProcess, logFile: string): string | null {
  if (exitCode === null && signalCode === null) return null;
  const how = signalCode === null ? `with exit code ${exitCode}` : `by ${signalCode}`;
  return `ended ${how}${logText(logFile)}`;
}

function logText(logFile: string): string {
  const lines = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-lastLines);
  if (lines.join("") === "") return "; it wrote nothing";
  return `; its last lines:\n${lines.map((line) => `    ${line.slice(0, 400)}`).join("\n")}`;
}

async function endServer(child: ChildProcess, gently: boolean): Promise<void> {
  const hasEnded = child.exitCode !== null || child.signalCode !== null;
  const exited = hasEnded ? null : once(child, "exit");
  // The shell may end before what it started, so the group is waited for, not its first process.
  for (let waitedMs = 0; gently && waitedMs < endLimitMs; waitedMs += readyPauseMs) {
    if (!signalGroup(child, waitedMs === 0 ? "SIGTERM" : 0)) break;
    await sleep(readyPauseMs);
  }
  signalGroup(child, "SIGKILL");
  await exited;
}

/** @returns false where nobody is left in the group */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
