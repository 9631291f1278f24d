/**
 * Breaks something every so many seconds while a soak is under way, and sees that it heals: the document
 * that is served is to move on again, from every worker. It counts no requests.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { httpCase } from "../http-cases.ts";
import { fetchAnswer, waitUntil } from "../measured-servers.ts";
import {
  type ChaosFault,
  type ChaosRig,
  diskFault,
  otherFaults,
  upstreamFaults,
  workerFaults,
} from "./chaos-faults.ts";
import type { LossAccount } from "./loss-account.ts";
import { seededRandom, shuffled } from "./seeded-random.ts";
import type { ChaosOptions } from "./soak-options.ts";

/** What the clients have to tell of a fault comes up to half a second after it. */
const tellMs = 1500;
const holdShare = 0.3;
/** So many connections at once come to all workers. */
const asked = 8;
/** The one whose value changes. */
const changing = { ...httpCase("GET flags").request, path: "/api/v1/flags/?feature=feature_number_1" };

/** A fault that came and went. */
export interface ChaosEvent {
  readonly fault: string;
  /** From the moment it was undone until all was as before. */
  readonly healedMs: number;
}

export class Chaos {
  readonly #account: LossAccount;
  readonly #rig: ChaosRig;
  readonly #everyMs: number;
  readonly #stopped = new AbortController();
  readonly #events: ChaosEvent[] = [];
  readonly #running: Promise<void>;

  /** Begins at once. */
  constructor(
    { seed, everyMs }: ChaosOptions,
    parts: Omit<ChaosRig, "random" | "holdMs">,
    account: LossAccount,
  ) {
    this.#rig = { ...parts, random: seededRandom(seed), holdMs: everyMs * holdShare };
    this.#everyMs = everyMs;
    this.#account = account;
    this.#running = this.#run();
  }

  get events(): readonly ChaosEvent[] {
    return this.#events;
  }

  /** Resolves when the last fault is over. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const faults = this.#faults();
    // Each comes once before any comes again.
    for (let left: ChaosFault[] = []; !signal.aborted; ) {
      const nextMs = performance.now() + this.#everyMs;
      if (left.length === 0) left = shuffled(faults, this.#rig.random);
      await this.#bring(left.pop() as ChaosFault);
      await sleep(Math.max(0, nextMs - performance.now()), null, { signal }).catch(() => undefined);
    }
  }

  #faults(): readonly ChaosFault[] {
    const { disk, proxy } = this.#rig;
    const possible = [...upstreamFaults, ...otherFaults, ...(proxy.workers > 1 ? workerFaults : [])];
    return disk.isOwnDisk ? [...possible, diskFault] : possible;
  }

  async #bring(fault: ChaosFault): Promise<void> {
    const cost = fault.mayCost?.(this.#rig) ?? { mayLose: [], lossesMax: 0 };
    this.#account.begin({ name: fault.name, ...cost });
    try {
      await fault.run(this.#rig);
      const undoneMs = performance.now();
      await this.#heal();
      this.#events.push({ fault: fault.name, healedMs: performance.now() - undoneMs });
    } catch (error) {
      this.#account.fail((error as Error).message);
    }
    await sleep(tellMs);
    this.#account.end();
  }

  /** @throws Error where some worker still serves a document that it had before */
  async #heal(): Promise<void> {
    const { port } = this.#rig.proxy;
    const ask = async () => {
      const answers = await Promise.all(Array.from({ length: asked }, () => fetchAnswer(port, changing)));
      return answers.map(({ body }) => Number(/version (\d+)/.exec(body.toString())?.[1]));
    };
    const before = Math.max(...(await ask()));
    await waitUntil(async () => Math.min(...(await ask())) > before, 100).catch(() => {
      throw new Error("the document that is served did not move on");
    });
  }
}
