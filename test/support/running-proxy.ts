/**
 * The whole proxy on a real socket over a fault upstream: in this process, or as a child process with its own
 * configuration file. It must not reach into the proxy: tests see what clients and operators see.
 *
 *     await using proxy = await startProxy();                    // the demo document under the demo keys
 *     proxy.upstream.setMode(serverKey, "drip");
 *     await using child = startProxyProcess({ config: configFor(upstream) });
 *     const url = await child.url();
 *     child.kill("SIGTERM");
 *     const { code } = await child.exit;
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProxy as startRealProxy } from "../../src/cluster.ts";
import { settingsFrom } from "../../src/config/load-settings.ts";
import type { HealthReport } from "../../src/services/health/health-report.ts";
import { type FaultUpstream, startFaultUpstream } from "./fault-upstream.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";
import { createRecordingLogger, type LoggedLine } from "./test-app.ts";

export const clientKey = "demo_client_key";
export const serverKey = "ser.demo_server_key";
export const repositoryFolder = fileURLToPath(new URL("../../", import.meta.url));
export const demoDocumentText = readFileSync(join(repositoryFolder, "examples/environment.json"), "utf8");
/** The demo document of a project that asks for event streams. */
export const realtimeDocumentText = demoDocumentText.replace(
  '"enable_realtime_updates": false',
  '"enable_realtime_updates": true',
);

/** A configuration file's content. */
export type ConfigTree = Readonly<Record<string, unknown>>;

/** The keys of the demo's environment, as a configuration has them. */
export const demoPair = { client_side_key: clientKey, server_side_key: serverKey };

/**
 * The demo document with other values in some of its feature states, as JSON text.
 * @param members added to it, or put in place of its own
 */
export function demoDocumentWith(
  values: Readonly<Record<string, unknown>>,
  members: Readonly<Record<string, unknown>> = {},
): string {
  const document = { ...JSON.parse(demoDocumentText), ...members } as {
    feature_states: { feature: { name: string }; feature_state_value: unknown }[];
  };
  for (const state of document.feature_states) {
    const { name } = state.feature;
    if (Object.hasOwn(values, name)) state.feature_state_value = values[name];
  }
  return JSON.stringify(document);
}

/**
 * A configuration for tests: a free port, polls 10 times a second with a second of patience, and no wait
 * before a drain.
 * @param overrides sections are laid over the default ones, setting by setting
 */
export function configFor(upstream: Pick<FaultUpstream, "apiUrl">, overrides: ConfigTree = {}): ConfigTree {
  const defaults: Record<string, unknown> = {
    environment_key_pairs: [demoPair],
    api_url: upstream.apiUrl,
    api_poll_frequency_seconds: 0.1,
    api_poll_timeout_seconds: 1,
    server: { host: "127.0.0.1", port: 0, drain_delay_seconds: 0 },
    polling: { jitter_ratio: 0, retry_min_seconds: 0.05, retry_max_seconds: 0.05 },
    upstream: { breaker_failures_max: 1_000_000, document_bytes_max: 1_000_000 },
    logging: { log_format: "json" },
    storage: { enabled: false },
  };
  const merged = { ...defaults };
  for (const [name, value] of Object.entries(overrides)) {
    merged[name] = isTree(value) && isTree(merged[name]) ? { ...merged[name], ...value } : value;
  }
  return merged;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface RunningProxy extends AsyncDisposable {
  /** Such as `http://127.0.0.1:41235`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly upstream: FaultUpstream;
  /** All it logged so far. */
  readonly lines: readonly LoggedLine[];
}

export interface StartProxyOptions {
  /** The upstream's first document; null: it knows no key yet. The demo document unless given. */
  readonly document?: string | object | null;
  readonly config?: ConfigTree;
}

/**
 * Starts the proxy in this process; with a document it resolves when that one is being served. Disposing of
 * it waits for no connection: `fetch` keeps those that it has made.
 */
export async function startProxy(options: StartProxyOptions = {}): Promise<RunningProxy> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startFaultUpstream());
  const { document = demoDocumentText } = options;
  if (document !== null) upstream.setDocument(serverKey, document);
  const { logger, lines } = createRecordingLogger();
  const settings = settingsFrom(configFor(upstream, options.config));
  const server = stack.use(await startRealProxy(settings, logger, "0.0.0-test"));
  const { url } = server;
  if (document !== null) await eventually(async () => (await getFlags(url)).status === 200);
  const owned = stack.move();
  return {
    url,
    port: Number(new URL(url).port),
    upstream,
    lines,
    [Symbol.asyncDispose]: async () => {
      const ended = owned.disposeAsync();
      server.cutDrain();
      await ended;
    },
  };
}

/** GET flags with a key, by default the client key. */
export function getFlags(url: string, key = clientKey): Promise<Response> {
  return fetch(`${url}/api/v1/flags/`, { headers: { "X-Environment-Key": key } });
}

/** POST identities with the client key. */
export function postIdentity(url: string, body: object | string, key = clientKey): Promise<Response> {
  return fetch(`${url}/api/v1/identities/`, {
    method: "POST",
    headers: { "X-Environment-Key": key, "Content-Type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** What health says. */
export async function healthOf(url: string): Promise<HealthReport> {
  return (await (await fetch(`${url}/proxy/health`)).json()) as HealthReport;
}

/** The value that changes from one document of a test to the next, as `demoDocumentWith` sets it. */
export async function bannerOf(url: string): Promise<unknown> {
  const answer = await fetch(`${url}/api/v1/flags/?feature=banner_text`, {
    headers: { "X-Environment-Key": clientKey },
  });
  return ((await answer.json()) as { feature_state_value: unknown }).feature_state_value;
}

/** Asks again and again until it holds; a rejection counts as "not yet". @throws after `withinMs` */
export async function eventually(holds: () => Promise<boolean> | boolean, withinMs = 20_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  let lastError: unknown;
  while (performance.now() < endMs) {
    try {
      if (await holds()) return;
    } catch (error) {
      lastError = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`it did not come to be: ${holds}`, { cause: lastError });
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProxyProcess extends AsyncDisposable {
  readonly pid: number;
  /** The folder it runs in, with its `config.json`. */
  readonly folder: string;
  stdout(): string;
  stderr(): string;
  /** Resolves when it listens, with its URL. @throws where it ends first */
  url(): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  readonly hasEnded: boolean;
  /** Resolves when it has ended and all its output has been read. */
  readonly exit: Promise<ProcessExit>;
}

export interface ProxyProcessOptions {
  /** The program's file; `src/main.ts` unless given. */
  readonly main?: string;
  /** The command line; `serve` unless given. */
  readonly words?: readonly string[];
  /** Written to `config.json` in the child's folder, text as it is; without it there is no file. */
  readonly config?: ConfigTree | string;
  /** Added to the few variables that the child gets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What its standard input is; nothing unless given. */
  readonly input?: string;
  /** A command that becomes the program which its further words name, such as `unshare -m`. */
  readonly within?: readonly string[];
}

/** Runs the program in a temporary folder. Disposing of it kills what still runs. */
export function startProxyProcess(options: ProxyProcessOptions = {}): ProxyProcess {
  const owned = makeTemporaryFolder("process");
  const folder = owned.path;
  const { main = join(repositoryFolder, "src/main.ts"), config, words = ["serve"] } = options;
  if (config !== undefined) {
    writeFileSync(join(folder, "config.json"), typeof config === "string" ? config : JSON.stringify(config));
  }
  const [program = "", ...args] = [...(options.within ?? []), process.execPath, main, ...words];
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...variables(), HOME: folder, ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined).end(options.input ?? "");
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const exit = once(child, "close").then(([code, signal]): ProcessExit => ({ code, signal }));
  let ended = false;
  void exit.then(() => {
    ended = true;
  });
  return {
    pid: child.pid ?? Number.NaN,
    folder,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    url: async () => {
      await eventually(() => ended || listeningUrl(output.stdout) !== null);
      const url = listeningUrl(output.stdout);
      if (url === null) throw new Error(`the process ended: ${output.stdout}${output.stderr}`);
      return url;
    },
    kill: (signal) => void child.kill(signal),
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    exit,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
      owned[Symbol.dispose]();
    },
  };
}

/** Few variables, so that none of the tester's changes a setting. The cache halves the time of a start. */
function variables(): NodeJS.ProcessEnv {
  const NODE_COMPILE_CACHE = join(repositoryFolder, "node_modules/.cache/compiled");
  return { PATH: process.env["PATH"], NO_COLOR: "1", NODE_COMPILE_CACHE };
}

/** One line of the log in JSON. */
export type LogRecord = Readonly<Record<string, unknown>> & { readonly message: string };

/** What it logged so far. @throws where a line is no JSON */
export function logRecords({ stdout }: Pick<ProxyProcess, "stdout">): LogRecord[] {
  const lines = stdout().split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LogRecord);
}

/** From its log line, in either format. */
function listeningUrl(stdout: string): string | null {
  const line = stdout.split("\n").find((each) => /listening/i.test(each) && each.includes('"url"'));
  return line === undefined ? null : (/"url":"(https?:[^"]+)"/.exec(line)?.[1] ?? null);
}

/** Runs a command to its end. */
export async function runCommand(options: ProxyProcessOptions): Promise<ProcessExit & Output> {
  await using running = startProxyProcess(options);
  const { code, signal } = await running.exit;
  return { code, signal, stdout: running.stdout(), stderr: running.stderr() };
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}
