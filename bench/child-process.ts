/**
 * Starts the benchmark's processes, each on a core of its own where `taskset` is there, and asks them over
 * IPC. It knows nothing of what they do.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** Whether each process has a core of its own. */
export const isPinned =
  spawnSync("taskset", ["-c", "0,1", "true"]).status === 0 && availableParallelism() > 1;

export interface ChildOptions {
  /** A module of this folder or the program's entry, with its arguments. */
  readonly program: readonly [URL, ...string[]];
  readonly core: 0 | 1;
  readonly environment?: Readonly<Record<string, string>>;
  readonly probesCpu?: boolean;
}

export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;

  constructor({ program: [file, ...args], core, environment = {}, probesCpu = false }: ChildOptions) {
    const probe = probesCpu ? ["--import", new URL("./cpu-probe.ts", import.meta.url).href] : [];
    const command = [process.execPath, ...probe, fileURLToPath(file), ...args];
    const pinned = isPinned ? ["taskset", "-c", String(core), ...command] : command;
    this.#process = spawn(pinned[0] as string, pinned.slice(1), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { PATH: process.env["PATH"], ...environment },
    });
  }

  /**
   * Sends a message and waits for the answer. @throws Error where the process ends before, or answers an
   * error
   */
  async ask<Answer extends object>(message: object | string): Promise<Answer> {
    const ended = new AbortController();
    const { signal } = ended;
    const exited = once(this.#process, "exit", { signal }).then(() => {
      throw new Error("a process of the benchmark ended early");
    });
    const answered = once(this.#process, "message", { signal });
    this.#process.send(message);
    try {
      const [answer] = (await Promise.race([answered, exited])) as [Answer & { error?: string }];
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
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

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }
}
