/**
 * The whole program with worker processes, which tests find and end by their process ids. It needs `/proc`,
 * and must not signal any process that the started program did not start itself.
 */
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type FaultUpstream, startFaultUpstream } from "./fault-upstream.ts";
import { RawConnection, type RawResponse, requestText } from "./raw-client.ts";
import {
  type ConfigTree,
  clientKey,
  configFor,
  demoDocumentText,
  eventually,
  type ProxyProcess,
  serverKey,
  startProxyProcess,
} from "./running-proxy.ts";

export const flagsPath = "/api/v1/flags/";
export const healthPath = "/proxy/health";

const faultsFile = fileURLToPath(new URL("./injected-faults.ts", import.meta.url));
/** Variables that have all processes of the program load `injected-faults.ts`. */
export const withFaults = { NODE_OPTIONS: `--import=${faultsFile}` };

/** A start of three processes on a busy machine. */
const startMsMax = 25_000;

export interface WorkersOptions {
  /** Laid over the configuration for tests, which asks for two workers and patient polls. */
  readonly config?: ConfigTree;
  readonly environment?: Readonly<Record<string, string>>;
  /** The demo document unless given. */
  readonly document?: string;
  /** A command that becomes the program which its further words name. */
  readonly within?: readonly string[];
}

export interface RunningWorkers extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  readonly upstream: FaultUpstream;
  readonly url: string;
  readonly port: number;
  /** The process ids of the workers that run now. */
  pids(): number[];
  /** Opens so many connections; each worker gets its share of them. */
  connect(count?: number): Promise<Connections>;
}

/** Kept connections; disposing of it closes them. */
export interface Connections extends AsyncDisposable {
  readonly all: readonly RawConnection[];
  /** Those that are not closed. */
  open(): RawConnection[];
}

/** Starts the program; resolves when every worker serves the document. */
export async function startWorkers(options: WorkersOptions = {}): Promise<RunningWorkers> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startFaultUpstream());
  upstream.setDocument(serverKey, options.document ?? demoDocumentText);
  const { environment = {}, within = [] } = options;
  const config = workersConfig(upstream, options.config);
  const proxy = stack.use(startProxyProcess({ config, environment, within }));
  const url = await proxy.url();
  const port = Number(new URL(url).port);
  // So many connections at once are shared among all workers.
  const answers = () => askFresh(port, flagsPath, { count: 12 });
  await eventually(async () => (await answers()).every(({ status }) => status === 200), startMsMax);
  const owned = stack.move();
  return {
    proxy,
    upstream,
    url,
    port,
    pids: () => workersOf(proxy.pid),
    connect: (count = 8) => connectTo(port, count),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Two workers, polls twenty times a second, and much patience with each. */
export function workersConfig(
  upstream: Pick<FaultUpstream, "apiUrl">,
  { server = {}, ...config }: ConfigTree = {},
): ConfigTree {
  return configFor(upstream, {
    api_poll_timeout_seconds: 20,
    ...config,
    server: { workers: 2, ...(server as ConfigTree) },
  });
}

/**
 * The processes that a process has started and whose end it has not noticed; none where it has ended itself.
 * @param program what their command lines have: all, where it is left out
 */
export function childrenOf(pid: number, program = ""): number[] {
  if (!isRunning(pid)) return [];
  const threads = readdirSync(`/proc/${pid}/task`);
  const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
  const children = lists.flatMap((list) => list.split(" ").map(Number)).filter((child) => child > 0);
  return children.filter((child) => commandLineOf(child).includes(program));
}

/** Empty for one that has ended. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** The processes of a program that answer requests, also one whose end it has not noticed. */
export function workersOf(pid: number): number[] {
  return childrenOf(pid).filter((child) => !/(?:reader|store)-program\./.test(commandLineOf(child)));
}

/** Whether the process is there; one that ended and whose parent has not noticed yet is not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** How many sockets a process holds, its channel to the control plane included. */
function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`));
  return targets.filter((target) => target.startsWith("socket:")).length;
}

/** Whether a worker is given connections: it then listens. It throws where the worker has ended. */
async function takesPart(running: RunningWorkers, pid: number): Promise<boolean> {
  const before = socketsOf(pid);
  await using _connections = await running.connect();
  return socketsOf(pid) > before;
}

/**
 * Waits until another worker has the place of one that ended.
 * @param known the workers that there were before it ended
 * @returns its process id
 * @throws where the program has ended instead
 */
export async function successorOf(running: RunningWorkers, known: readonly number[]): Promise<number> {
  const newcomers = () => running.pids().filter((pid) => !known.includes(pid));
  const { proxy } = running;
  await eventually(async () => {
    const [newcomer] = newcomers();
    return proxy.hasEnded || (newcomer !== undefined && (await takesPart(running, newcomer)));
  }, startMsMax);
  if (proxy.hasEnded) throw new Error(`the whole program has ended: ${proxy.stdout()}${proxy.stderr()}`);
  return newcomers()[0] ?? 0;
}

/** Ends all workers of a program at once; resolves when as many others run, which may not listen yet. */
export async function replaceAll({ pid }: ProxyProcess): Promise<void> {
  const before = workersOf(pid);
  for (const each of before) process.kill(each, "SIGKILL");
  await eventually(() => {
    const pids = workersOf(pid);
    return pids.length === before.length && pids.every((each) => !before.includes(each));
  }, startMsMax);
}

/** The same; resolves when all of the others serve. */
export async function replaceBoth({ proxy, port }: RunningWorkers): Promise<void> {
  await replaceAll(proxy);
  await eventually(
    async () => (await askFresh(port, flagsPath)).every(({ status }) => status === 200),
    startMsMax,
  );
}

/** What it logged so far that has this text. */
export function linesWith({ proxy }: RunningWorkers, part: string): string[] {
  const lines = proxy.stdout().trim().split("\n");
  return lines.filter((line) => line.includes(part));
}

/** GET flags, or one flag, with a key. */
export function flagsRequest(feature: string | null = null, key = clientKey): string {
  const query = feature === null ? "" : `?feature=${feature}`;
  return requestText(`GET ${flagsPath}${query}`, [`X-Environment-Key: ${key}`]);
}

/** The same request on each connection, its answers in their order. */
export function askEach(connections: readonly RawConnection[], question: string): Promise<RawResponse[]> {
  return Promise.all(connections.map((connection) => connection.send(question).response()));
}

/** How long one answer is waited for. Who is given to a worker in the moment of its death gets none. */
const answerMsMax = 3000;

/** A GET, by default with the client key, on so many connections at once. @throws where one has no answer */
export function askFresh(
  port: number,
  path: string,
  { count = 8, key = clientKey } = {},
): Promise<{ readonly status: number; readonly body: string }[]> {
  const headers = { "x-environment-key": key };
  const askOne = async () => {
    const outgoing = request({ port, host: "127.0.0.1", path, headers, agent: false, timeout: answerMsMax });
    outgoing.once("timeout", () => outgoing.destroy(new Error("no answer")));
    const [response] = (await once(outgoing.end(), "response")) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: await text(response) };
  };
  return Promise.all(Array.from({ length: count }, askOne));
}

async function connectTo(port: number, count: number): Promise<Connections> {
  await using stack = new AsyncDisposableStack();
  const all: RawConnection[] = [];
  for (let index = 0; index < count; index += 1) {
    const connection = stack.use(await RawConnection.open(port));
    // A worker has it once it has answered on it.
    await connection.send(requestText("GET /proxy/health/liveness")).response();
    all.push(connection);
  }
  const owned = stack.move();
  return {
    all,
    open: () => all.filter(({ isOpen }) => isOpen),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
