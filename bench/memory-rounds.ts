/**
 * One round of the memory benchmark: fresh processes, idle and after load, read from outside, so that nothing
 * of the benchmark is in them. Linux alone tells what it needs.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { buildModule } from "./built-proxy.ts";
import { ChangingUpstream, changingSettings } from "./changing-upstream.ts";
import type { Child } from "./child-process.ts";
import { httpCase } from "./http-cases.ts";
import type { LoadOrder } from "./load-generator.ts";
import {
  fetchAnswer,
  type MeasuredServer,
  type ProxyProgram,
  startBareServer,
  startProxy,
  startUpstream,
} from "./measured-servers.ts";
import type { MemoryCase, MemoryContents } from "./memory-cases.ts";
import { childrenOf, memoryOf, workersOf } from "./process-status.ts";
import { profileDocument, standardProfile } from "./profile-document.ts";

export interface ProcessSample {
  /** One process that does all but keep the archive; or one that serves, and the one that polls. */
  readonly role: "alone" | "worker" | "primary" | "archive";
  readonly idleMib: number;
  readonly loadedMib: number;
  /** Of it, after the load, what is not shared with other processes. */
  readonly ownMib: number;
  readonly peakMib: number;
}

const requests = 30_000;
const connections = 32;
/** What has just been thrown away is no lasting cost. */
const settleMs = 2000;
const { request } = httpCase("POST identities, another body each time");

/** @returns a sample for each process of the proxy */
export async function measureProxy(
  { workers, environments, publishes }: MemoryCase,
  { documents }: MemoryContents,
  proxy: ProxyProgram,
  load: Child,
): Promise<ProcessSample[]> {
  await using stack = new AsyncDisposableStack();
  const [text = ""] = documents.values();
  const changing = publishes > 0 ? stack.use(await ChangingUpstream.start(text)) : null;
  const upstream = changing ?? stack.adopt(await startUpstream(documents), (each) => each.close());
  const settings = { SERVER__WORKERS: String(workers), ...(changing === null ? {} : changingSettings) };
  const { apiUrl } = upstream;
  const server = await startProxy({ apiUrl, proxy, environments, core: null, settings });
  stack.use(server.process);
  for (let each = 0; each < publishes; each += 1) await changing?.publish();
  return await measureProcesses(server, environments, load);
}

/** @returns the sample of a server that writes one answer of flags again and again */
export async function measureBareServer(proxy: ProxyProgram, load: Child): Promise<ProcessSample> {
  await using stack = new AsyncDisposableStack();
  const documents = profileDocument(standardProfile);
  const upstream = stack.adopt(await startUpstream(documents), (each) => each.close());
  const answering = await startProxy({ apiUrl: upstream.apiUrl, proxy });
  stack.use(answering.process);
  const program = stack.use(buildModule(new URL("./bare-server.ts", import.meta.url)));
  const server = await startBareServer(await fetchAnswer(answering.port, request), program.main);
  stack.use(server.process);
  const [sample] = await measureProcesses(server, 1, load);
  return sample as ProcessSample;
}

async function measureProcesses(
  { process: root, port }: MeasuredServer,
  environments: number,
  load: Child,
): Promise<ProcessSample[]> {
  await sleep(settleMs);
  const workers = workersOf(root.pid);
  const rootRole = workers.length === 0 ? "alone" : "primary";
  const processes = [
    { role: rootRole, pid: root.pid } as const,
    ...workers.map((pid) => ({ role: "worker", pid }) as const),
    ...childrenOf(root.pid, "store-program").map((pid) => ({ role: "archive", pid }) as const),
  ];
  const pids = processes.map(({ pid }) => pid);
  const idle = pids.map(memoryOf);
  const order: LoadOrder = {
    ports: [port],
    request,
    status: 200,
    requests,
    connections,
    environments,
    firstNumber: 0,
  };
  await load.ask(order);
  await sleep(settleMs);
  return processes.map(({ role, pid }, index) => {
    const { rssMib: loadedMib, ownMib, peakMib } = memoryOf(pid);
    return { role, idleMib: idle[index]?.rssMib ?? 0, loadedMib, ownMib, peakMib };
  });
}
