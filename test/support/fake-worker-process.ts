/** A worker's process that is none, for tests of the control plane's side. It does nothing by itself. */
import { EventEmitter } from "node:events";
import type { WorkerOrder, WorkerReport } from "../../src/services/workers/worker-messages.ts";
import { settle } from "./fake-clock.ts";

/** A worker's process: it takes an order when the test says so, and answers what the test says. */
export class FakeProcess extends EventEmitter {
  connected = true;
  pid: number | undefined = 4711;
  readonly killed: (string | undefined)[] = [];
  readonly sent: WorkerOrder[] = [];
  readonly #callbacks: (() => void)[] = [];
  /** Whether orders are taken at once. */
  takesAll = true;

  send(order: WorkerOrder, callback: () => void): boolean {
    this.sent.push(order);
    if (this.takesAll) setImmediate(callback);
    else this.#callbacks.push(callback);
    return true;
  }

  kill(signal?: string): boolean {
    this.killed.push(signal);
    return true;
  }

  /** Takes what was sent. */
  async take(): Promise<void> {
    for (const callback of this.#callbacks.splice(0)) callback();
    await settle();
  }

  async report(report: WorkerReport): Promise<void> {
    this.emit("message", report);
    await settle();
  }

  /**
   * Ends. What was sent is given up before or after the end is known, as the kernel has it; or never: so it
   * is in Node 26 behind a connection that the worker has not taken.
   */
  async end(givenUp: "before" | "after" | "never"): Promise<void> {
    if (givenUp === "before") {
      this.connected = false;
      await this.take();
    }
    this.connected = givenUp === "after";
    this.emit("exit", null, "SIGKILL");
    await settle();
    this.connected = false;
    this.emit("disconnect");
    if (givenUp === "after") await this.take();
  }
}
