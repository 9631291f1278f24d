/**
 * A clock that tests move: monotonic and wall time apart from each other, sleepers that wake in order. It
 * must not be mixed with real timers in the code under test.
 */
import type { Clock } from "../../src/services/clock.ts";

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  /** The waits that were asked for, in order, in milliseconds. */
  readonly waits: number[] = [];
  readonly #sleepers = new Set<Sleeper>();
  #nowMs = 0;
  #wallOffsetMs = Date.UTC(2026, 0, 1);

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallTime(): Date {
    return new Date(this.#wallOffsetMs + this.#nowMs);
  }

  /** Steps the wall clock alone. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.waits.push(ms);
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { untilMs: this.#nowMs + ms, wake: resolve };
    this.#sleepers.add(sleeper);
    const wake = () => {
      this.#sleepers.delete(sleeper);
      resolve();
    };
    if (signal.aborted) wake();
    signal.addEventListener("abort", wake, { once: true });
    return promise;
  }

  /** How many sleep now. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  /** Moves both clocks, waking each sleeper in turn and letting what it starts run until it sleeps again. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#nextUntil(untilMs); next !== null; next = this.#nextUntil(untilMs)) {
      this.#sleepers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.untilMs);
      next.wake();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  /** Time passes while something runs: nobody wakes. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  #nextUntil(untilMs: number): Sleeper | null {
    const due = [...this.#sleepers].filter((sleeper) => sleeper.untilMs <= untilMs);
    return due.sort((a, b) => a.untilMs - b.untilMs)[0] ?? null;
  }
}

/** Lets promises that need no timer run to their end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
