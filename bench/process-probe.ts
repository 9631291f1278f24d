/**
 * Loaded into a measured server by `--import`: tells the benchmark over IPC how much CPU the process has
 * used, and how long its event loop stood still. It is idle between two questions, but for the loop's
 * monitors once they were asked for.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

/** What the event loop was kept from since the last question; nothing at the first. */
export interface LoopReport {
  /** The longest time without a turn, whoever had the core meanwhile. */
  readonly pauseMs: number;
  /** The most CPU time that the loop's thread itself used between two turns. */
  readonly workMs: number;
}

/** The least there is: the monitor's timer fires each millisecond, and the rest of a wait is a pause. */
const resolutionMs = 1;

class LoopMonitor {
  readonly #delays = monitorEventLoopDelay({ resolution: resolutionMs });
  #before = process.threadCpuUsage();
  #workUs = 0;
  #isWatching = false;

  /** NOTE: what blocks the loop in the turn of the question is not seen: the monitor begins at its next. */
  read(): LoopReport {
    const pauseMs = Math.max(0, this.#delays.max / 1e6 - resolutionMs);
    const report = this.#isWatching ? { pauseMs, workMs: this.#workUs / 1000 } : { pauseMs: 0, workMs: 0 };
    if (!this.#isWatching) this.#watch();
    this.#delays.reset();
    this.#workUs = 0;
    return report;
  }

  #watch(): void {
    this.#isWatching = true;
    this.#before = process.threadCpuUsage();
    this.#delays.enable();
    setInterval(() => this.#endTurn(), resolutionMs).unref();
  }

  #endTurn(): void {
    const { user, system } = process.threadCpuUsage(this.#before);
    this.#before = process.threadCpuUsage();
    this.#workUs = Math.max(this.#workUs, user + system);
  }
}

const monitor = new LoopMonitor();
process.on("message", (question) => {
  if (question === "cpu") process.send?.({ cpu: process.cpuUsage() });
  else if (question === "loop") process.send?.(monitor.read());
});
// A server must end by itself once its benchmark is gone.
process.on("disconnect", () => process.exit(0));
