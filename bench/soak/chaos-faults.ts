/**
 * The faults of a chaos run (G6): how each is brought about and undone, and what it may cost. When each
 * comes is `chaos.ts`'s to say.
 */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultMode, FaultOptions } from "../../test/support/fault-modes.ts";
import type { FaultUpstream } from "../../test/support/fault-upstream.ts";
import { startSlowClients } from "../../test/support/slow-clients.ts";
import type { Outcome } from "../load-outcomes.ts";
import { waitUntil } from "../measured-servers.ts";
import { descriptorsOf } from "../process-status.ts";
import { serverKey } from "../profile-document.ts";
import type { FaultAtWork } from "./loss-account.ts";
import { connectionsMax } from "./soak-clients.ts";
import { abortedTexts } from "./soak-requests.ts";
import type { StorageDisk } from "./storage-disk.ts";
import type { SupervisedProxy } from "./supervised-proxy.ts";

/** What faults can be done to. */
export interface ChaosRig {
  readonly upstream: FaultUpstream;
  readonly proxy: SupervisedProxy;
  readonly disk: StorageDisk;
  readonly random: () => number;
  /** How long a fault lasts that does not end by itself. */
  readonly holdMs: number;
}

export interface ChaosFault {
  readonly name: string;
  /** What it may cost, looked at in the moment before it comes. */
  readonly mayCost?: (rig: ChaosRig) => Omit<FaultAtWork, "name">;
  /** Resolves when it is undone. @throws Error where the proxy did not do its part */
  run(rig: ChaosRig): Promise<void>;
}

/** What becomes of a request whose process is killed. */
const cutOff: readonly Outcome[] = ["reset", "partial"];
const crowd = 400;

export const upstreamFaults: readonly ChaosFault[] = [
  upstreamMode("hang-headers"),
  upstreamMode("drip"),
  upstreamMode(503, { retryAfter: "3600" }),
  upstreamMode(429, { retryAfter: "1" }),
  upstreamMode(401),
  upstreamMode("html"),
  upstreamMode("truncated-length"),
  upstreamMode("truncated-chunk"),
  upstreamMode("reset"),
  upstreamMode("reset-mid-body"),
  upstreamMode("not-utf8"),
  upstreamMode("encoding-chain"),
  upstreamMode("too-big"),
  upstreamMode("redirect-loop"),
  upstreamMode("link-loop"),
  upstreamMode("not-modified-always"),
  upstreamMode("body", { body: "[]" }),
  {
    name: "B1 an upstream that refuses",
    run: async ({ upstream, holdMs }) => {
      await upstream.refuse();
      await sleep(holdMs);
      await upstream.accept();
    },
  },
];

export const workerFaults: readonly ChaosFault[] = [
  {
    name: "C1 kill -9 of a worker",
    mayCost: ({ proxy }) => ({
      mayLose: cutOff,
      lossesMax: Math.max(...proxy.workerPids.map(descriptorsOf)),
    }),
    run: (rig) => endWorker(rig, "SIGKILL"),
  },
  {
    name: "C6 SIGSTOP of a worker",
    // Who waits on it is reset when it is replaced.
    mayCost: () => ({ mayLose: cutOff, lossesMax: connectionsMax }),
    run: (rig) => endWorker(rig, "SIGSTOP"),
  },
];

export const otherFaults: readonly ChaosFault[] = [
  {
    name: "C2 kill -9 of the service",
    // 503: it listens, and has not read its archive yet. A connection may be lost in the making too.
    mayCost: () => ({ mayLose: [...cutOff, "refused", "503"], lossesMax: 2 * connectionsMax }),
    run: ({ proxy }) => proxy.replace(),
  },
  { name: "A9 a crowd of slow clients", run: runSlowCrowd },
  { name: "E47 a crowd that goes away", run: runAbortingCrowd },
];

export const diskFault: ChaosFault = {
  name: "D1 a disk that is full",
  run: async ({ disk, holdMs }) => {
    disk.fill();
    await sleep(holdMs);
    disk.empty();
    const emptiedMs = Date.now();
    await waitUntil(async () => disk.writtenMs > emptiedMs, 100).catch(() => {
      throw new Error("nothing was archived after there was room again");
    });
  },
};

function upstreamMode(mode: FaultMode | number, options: FaultOptions = {}): ChaosFault {
  return {
    name: `B an upstream that answers by ${mode}`,
    run: async ({ upstream, holdMs }) => {
      upstream.setMode(serverKey, mode, options);
      await sleep(holdMs);
      upstream.setMode(serverKey, "ok");
    },
  };
}

/** Resolves when there is another one in its place. */
async function endWorker({ proxy, random }: ChaosRig, signal: "SIGKILL" | "SIGSTOP"): Promise<void> {
  const before = proxy.workerPids;
  const victim = before[Math.floor(random() * before.length)];
  if (victim === undefined) throw new Error("there was no worker");
  process.kill(victim, signal);
  const isReplaced = () => !proxy.workerPids.includes(victim) && proxy.workerPids.length === proxy.workers;
  await waitUntil(async () => isReplaced(), 25);
}

/** Half of them amid their headers, half amid a body: all are to be closed by the limits of the settings. */
async function runSlowCrowd({ proxy: { port } }: ChaosRig): Promise<void> {
  const open = (start: string) =>
    startSlowClients({ port, clients: crowd / 2, start, drip: "a", everyMs: 500 });
  const [headers = "", body = ""] = abortedTexts;
  using inHeaders = await open(headers);
  using inBody = await open(body);
  await waitUntil(async () => inHeaders.open + inBody.open === 0, 100).catch(() => {
    throw new Error(`${inHeaders.open + inBody.open} slow clients were not closed`);
  });
}

async function runAbortingCrowd({ proxy: { port }, holdMs }: ChaosRig): Promise<void> {
  const endMs = performance.now() + holdMs;
  while (performance.now() < endMs) {
    for (const text of abortedTexts) {
      const socket = connect({ port, host: "127.0.0.1" }).on("error", () => undefined);
      socket.once("connect", () => {
        socket.write(text, "latin1");
        socket.resetAndDestroy();
      });
    }
    await sleep(5);
  }
}
