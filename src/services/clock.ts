/**
 * Time as the services see it: handed in, so that tests move it. Staleness and waits use the monotonic clock
 * (contract A7: a step of the wall clock changes nothing); the wall clock is for what people read.
 */
import { setTimeout as sleepFor } from "node:timers/promises";

/** What services know of time: `systemClock`, or one that a test moves. */
export interface Clock {
  /**
   * Monotonic milliseconds since some fixed point, the same for all processes of the machine; differences
   * alone have a meaning.
   */
  monotonicMs(): number;
  /** The wall clock, for logs and health bodies. */
  wallTime(): Date;
  /**
   * Resolves after `ms` milliseconds, at once where that is less than none, or when `signal` aborts; it never
   * rejects.
   */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  monotonicMs() {
    // NOTE: `performance.now()` counts from the start of its process.
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
  wallTime: () => new Date(),
  // NOTE: of a negative time Node warns on stderr.
  sleep: (ms, signal) => sleepFor(Math.max(0, ms), undefined, { signal }).catch(() => undefined),
};
