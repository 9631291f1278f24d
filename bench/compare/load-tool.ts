/**
 * Puts load on a server for one window, by `wrk` or autocannon in a process of its own. It starts no server.
 */
import { execFile, spawnSync } from "node:child_process";
import { createWriteStream, existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { distinctBodies } from "../http-cases.ts";
import { bodyText, type ComparedRequest } from "./compared-case.ts";
import { ComparisonError, UsageError } from "./comparison-errors.ts";
import { wrkScript } from "./wrk-script.ts";

export interface WindowOrder {
  readonly origin: string;
  readonly request: ComparedRequest;
  readonly connections: number;
  readonly seconds: number;
  /** The number of the first request: distinct bodies go on from there. */
  readonly firstNumber: number;
}

export interface WindowResult {
  /** How many were answered. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** What went wrong, to how often; zeros included. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface LoadPlace {
  readonly scratch: string;
  /** Such as `taskset -c 1`; empty where nothing is pinned. */
  readonly prefix: readonly string[];
  readonly signal: AbortSignal;
}

export type LoadToolName = "wrk" | "autocannon";

/** How much longer than its window a load tool may run: the start, and answers that are late. */
const graceMs = 15_000;
const run = promisify(execFile);

/**
 * @param wanted null: wrk where it is installed, else autocannon
 * @throws UsageError where it is not there
 */
export function chooseLoadTool(wanted: string | null): LoadToolName {
  if (wanted !== "autocannon" && spawnSync("wrk", ["-v"]).error === undefined) return "wrk";
  if (wanted === "wrk") throw new UsageError("--tool wrk: there is no wrk on the PATH");
  try {
    createRequire(import.meta.url).resolve("autocannon");
    return "autocannon";
  } catch (cause) {
    const missing = wanted === null ? "neither wrk is on the PATH nor autocannon" : "autocannon is not";
    throw new UsageError(`${missing} in node_modules: install wrk, or run npm ci`, { cause });
  }
}

/**
 * Sends for one window. @returns what the tool counted
 * @throws ComparisonError where the tool itself fails
 */
export async function runWindow(
  tool: LoadToolName,
  order: WindowOrder,
  { scratch, prefix, signal }: LoadPlace,
): Promise<WindowResult> {
  const command = tool === "wrk" ? await wrkCommand(order, scratch) : autocannonCommand(order, scratch);
  const [file = "", ...args] = [...prefix, ...command];
  const timeout = order.seconds * 1000 + graceMs;
  try {
    const { stdout } = await run(file, args, { encoding: "utf8", signal, timeout, killSignal: "SIGKILL" });
    return readResult(tool, stdout);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ComparisonError) throw error;
    const { stderr, stdout, killed, message } = error as Error &
      Record<"stderr" | "stdout" | "killed", unknown>;
    const why = killed ? `it did not end within ${timeout / 1000} s` : `${stderr || stdout || message}`;
    throw new ComparisonError(`${tool} failed: ${why.trim().slice(-600)}`, { cause: error });
  }
}

async function wrkCommand(order: WindowOrder, scratch: string): Promise<string[]> {
  const bodiesFile = join(scratch, "bodies.txt");
  if (order.request.body === null && !existsSync(bodiesFile)) await writeBodies(order.request, bodiesFile);
  const scriptFile = join(scratch, "window.lua");
  writeFileSync(scriptFile, wrkScript(order.request, bodiesFile, order.firstNumber));
  const { connections, seconds, origin } = order;
  return ["wrk", "-t", "1", "-c", String(connections), "-d", `${seconds}s`, "-s", scriptFile, origin];
}

async function writeBodies(request: ComparedRequest, file: string): Promise<void> {
  await pipeline(function* () {
    for (let number = 0; number < distinctBodies; number += 1) yield `${bodyText(request, number)}\n`;
  }, createWriteStream(file));
}

function autocannonCommand(order: WindowOrder, scratch: string): string[] {
  const orderFile = join(scratch, "window.json");
  writeFileSync(orderFile, JSON.stringify(order));
  return [process.execPath, fileURLToPath(new URL("./autocannon-runner.ts", import.meta.url)), orderFile];
}

function readResult(tool: LoadToolName, stdout: string): WindowResult {
  const line = stdout.split("\n").findLast((each) => each.startsWith("{"));
  if (line === undefined) throw new ComparisonError(`${tool} printed no figures: ${stdout.slice(-300)}`);
  return JSON.parse(line) as WindowResult;
}
