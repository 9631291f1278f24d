/**
 * Starts the benchmark's processes, each on a core of its own where `taskset` is there, and asks them over
 * IPC. None outlives the benchmark. It knows nothing of what they do.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { LoopReport } from "./process-probe.ts";
import { childrenOf } from "./process-status.ts";

/** Whether each process that asks for a core has it for its own. */
export const isPinned =
  spawnSync("taskset", ["-c", "0,1", "true"]).status === 0 && availableParallelism() > 1;

export interface ChildOptions {
  /** A module of this folder or the program's entry, with its arguments. */
  readonly program: readonly [URL, ...string[]];
  /** Null: any. */
  readonly core: 0 | 1 | null;
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether it answers `cpuUs` and `loopReport`. */
  readonly isProbed?: boolean;
}

/** Nothing that is asked takes longer; a process that does not answer shall not hold up the benchmark. */
const answerLimitMs = 300_000;

export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #kill = (): void => this.#killAll();

  constructor({ program: [file, ...args], core, environment = {}, isProbed = false }: ChildOptions) {
    const probe = isProbed ? ["--import", new URL("./process-probe.ts", import.meta.url).href] : [];
    const command = [process.execPath, ...probe, fileURLToPath(file), ...args];
    const pinned = isPinned && core !== null ? ["taskset", "-c", String(core), ...command] : command;
    this.#process = spawn(pinned[0] as string, pinned.slice(1), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { PATH: process.env["PATH"], ...environment },
    });
    process.on("exit", this.#kill);
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** For one that speaks without being asked. */
  onMessage(listener: (message: object) => void): void {
    this.#process.on("message", listener);
  }

  /** Sends a message that has no answer. */
  tell(message: object | string): void {
    this.#process.send(message);
  }

  /**
   * Sends a message and waits for the answer, one at a time. @throws Error where the process ends before,
   * answers an error, or does not answer
   */
  async ask<Answer extends object>(message: object | string): Promise<Answer> {
    const ended = new AbortController();
    const { signal } = ended;
    const exited = once(this.#process, "exit", { signal }).then(() => {
      throw new Error("a process of the benchmark ended early");
    });
    const limit = AbortSignal.timeout(answerLimitMs);
    const answered = once(this.#process, "message", { signal: AbortSignal.any([signal, limit]) });
    this.#process.send(message);
    try {
      const [answer] = (await Promise.race([answered, exited])) as [Answer & { error?: string }];
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    } catch (error) {
      throw limit.aborted ? new Error(`no answer within ${answerLimitMs / 1000} s`) : error;
    } finally {
      exited.catch(() => undefined);
      answered.catch(() => undefined);
      ended.abort();
    }
  }

  /** @returns microseconds of CPU used so far, user and system, all threads */
  async cpuUs(): Promise<number> {
    const { cpu } = await this.ask<{ cpu: NodeJS.CpuUsage }>("cpu");
    return cpu.user + cpu.system;
  }

  /** @returns what the event loop was kept from since the last question; nothing at the first */
  async loopReport(): Promise<LoopReport> {
    return await this.ask<LoopReport>("loop");
  }

  /** Whether the process has ended, whoever saw to that. */
  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#kill);
    if (this.hasEnded) return;
    const exited = once(this.#process, "exit");
    this.#killAll();
    await exited;
  }

  /** Its own processes too, after it: before, it would put others in their place. */
  #killAll(): void {
    if (this.hasEnded || this.#process.pid === undefined) return;
    const children = childrenOf(this.#process.pid);
    this.#process.kill("SIGKILL");
    for (const pid of children) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended with the one that started it.
      }
    }
  }
}
