/**
 * How processes end while nobody reads their standard output, such as behind a log collector that hangs: a
 * write that waits in the kernel keeps Node from exiting (reliability 2.7, 2.9, C4, C7).
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { freePort } from "../support/local-ports.ts";
import {
  type ConfigTree,
  configFor,
  demoDocumentText,
  eventually,
  getFlags,
  type ProxyProcess,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { childrenOf, isRunning, withFaults } from "../support/worker-processes.ts";

const folder = makeTemporaryFolder("unread");
const fifo = join(folder.path, "fifo");
execFileSync("mkfifo", [fifo]);
afterAll(() => folder[Symbol.dispose]());

/** A pipe that its writer holds open at both ends, and that nobody else has. */
const unread = ["bash", "-c", 'exec 3<>"$0"; rm "$0"; mkfifo "$0"; exec "$@" >&3 3>&-', fifo];
/** Two seconds for the log and the workers, and as much for a busy machine. */
const endMsMax = 4000;

interface UnreadProxy extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  readonly url: string;
}

/** Resolves once its log has filled the pipe; of workers, that of each. */
async function startUnread(workers: number, server: ConfigTree = {}): Promise<UnreadProxy> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startFaultUpstream());
  upstream.setDocument(serverKey, demoDocumentText);
  const port = await freePort();
  const config = configFor(upstream, {
    logging: { enable_access_log: true },
    server: { workers, port, drain_delay_seconds: 0, ...server },
  });
  const environment = { ...withFaults, INJECTED_FAULT: "an exception" };
  const proxy = stack.use(startProxyProcess({ config, environment, within: unread }));
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => (await getFlags(url)).status === 200, 25_000);
  const path = `/${"x".repeat(8000)}`;
  for (let asked = 0; asked < 40 * workers; asked += 1) {
    await (await fetch(`${url}${path}`, { headers: { connection: "close" } })).text();
  }
  const logging = workers === 1 ? [proxy.pid] : childrenOf(proxy.pid);
  await eventually(() => logging.every(waitsForRoom));
  const owned = stack.move();
  return { proxy, url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Whether a thread waits in the kernel for room in a pipe, as far as the kernel tells. */
function waitsForRoom(pid: number): boolean {
  const threads = readdirSync(`/proc/${pid}/task`);
  const places = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/wchan`, "utf8"));
  return places.some((place) => place.includes("pipe_write")) || places.every((place) => place === "0");
}

/** @returns how long it took; no exit code can be had. No process of it is left */
async function endOf({ proxy }: UnreadProxy, children: readonly number[]): Promise<number> {
  const startMs = performance.now();
  expect(await proxy.exit).toEqual({ code: null, signal: "SIGKILL" });
  await eventually(() => !children.some(isRunning));
  return performance.now() - startMs;
}

it.each([1, 2])("C4 SIGTERM ends the program of %d workers", async (workers) => {
  await using running = await startUnread(workers);
  const children = childrenOf(running.proxy.pid);
  running.proxy.kill("SIGTERM");
  expect(await endOf(running, children)).toBeLessThan(endMsMax);
});

it.each([1, 2])("C4 a second signal ends the program of %d workers amid its drain", async (workers) => {
  await using running = await startUnread(workers, { drain_delay_seconds: 600 });
  const children = childrenOf(running.proxy.pid);
  running.proxy.kill("SIGTERM");
  await eventually(async () => (await fetch(`${running.url}/proxy/health/readiness`)).status === 503);
  running.proxy.kill("SIGTERM");
  expect(await endOf(running, children)).toBeLessThan(endMsMax);
});

it.each([1, 2])("C7 an error that nobody caught ends the program of %d workers", async (workers) => {
  await using running = await startUnread(workers);
  const children = childrenOf(running.proxy.pid);
  running.proxy.kill("SIGUSR2");
  expect(await endOf(running, children)).toBeLessThan(endMsMax);
});

it("C7 an error that nobody caught ends that worker, and another takes its place", async () => {
  await using running = await startUnread(2);
  const before = childrenOf(running.proxy.pid);
  const [victim = 0] = before;
  const startMs = performance.now();
  process.kill(victim, "SIGUSR2");
  await eventually(() => !isRunning(victim));
  expect(performance.now() - startMs).toBeLessThan(endMsMax);
  await eventually(() => childrenOf(running.proxy.pid).length === before.length);
  // A connection that is kept from before may be that of the victim.
  await eventually(async () => (await getFlags(running.url)).status === 200);
});
