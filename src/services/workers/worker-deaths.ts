/**
 * Counts the ends of workers: how long a place waits before its next worker, and when there were too many for
 * the service to go on. It neither starts nor ends anything.
 */
import type { Clock } from "../clock.ts";
import { ListenError } from "../listener/http-listener.ts";
import type { WorkerEnd } from "./worker-end.ts";

/** More deaths than this within the window end the service (reliability 2.7). */
const deathsMax = 5;
const deathsWindowMs = 30_000;
/** The wait where the last worker could not serve; doubles with each that cannot. */
const pauseMsMin = 100;
const pauseMsMax = 5000;

/** Of all workers together. */
export class WorkerDeaths {
  readonly #clock: Pick<Clock, "monotonicMs">;
  #timesMs: readonly number[] = [];

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /**
   * @param fault why it could not serve; null: it did
   * @returns what ends the service; null: it goes on
   */
  count({ wasTrying }: WorkerEnd, fault: unknown): Error | null {
    const nowMs = this.#clock.monotonicMs();
    // What a document does is no sign that workers cannot live: it is tried twice at most.
    const timesMs = wasTrying ? this.#timesMs : [...this.#timesMs, nowMs];
    this.#timesMs = timesMs.filter((ms) => nowMs - ms < deathsWindowMs);
    if (this.#timesMs.length <= deathsMax) return null;
    if (fault instanceof ListenError) return fault;
    return new Error(`more than ${deathsMax} workers died within ${deathsWindowMs / 1000} s`);
  }
}

/** @param failedStarts so many workers in a row could not serve; at none, the next comes at once */
export function pauseBeforeStartMs(failedStarts: number): number {
  return failedStarts === 0 ? 0 : Math.min(pauseMsMin * 2 ** (failedStarts - 1), pauseMsMax);
}
