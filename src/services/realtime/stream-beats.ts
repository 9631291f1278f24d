/**
 * Beats for all client streams by one timer: each has a place in a round, at random, so that no turn of the
 * event loop writes to all of them. What a beat does is the stream's own.
 */
import type { Clock } from "../clock.ts";
import type { ClientStream } from "./client-stream.ts";

/** A hundredth of 10,000 streams is written to within two milliseconds. */
const places = 100;

export interface StreamBeatsOptions {
  /** From one beat of a stream to its next, in milliseconds. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Ends the beats. */
  readonly signal: AbortSignal;
}

export class StreamBeats {
  readonly #options: StreamBeatsOptions;
  readonly #places: readonly Set<ClientStream>[] = Array.from({ length: places }, () => new Set());
  #isRunning = false;

  constructor(options: StreamBeatsOptions) {
    this.#options = options;
  }

  /** How many streams there are. */
  get streams(): number {
    return this.#places.reduce((sum, { size }) => sum + size, 0);
  }

  /** @returns where a stream is to join; the beats begin with it */
  choosePlace(): Set<ClientStream> {
    if (!this.#isRunning) void this.#run();
    return this.#places[Math.floor(this.#options.random() * places)] as Set<ClientStream>;
  }

  /** All streams, in the order of their beats. */
  *[Symbol.iterator](): Generator<ClientStream, void> {
    for (const place of this.#places) yield* place;
  }

  async #run(): Promise<void> {
    const { intervalMs, clock, signal } = this.#options;
    this.#isRunning = true;
    // Who asked for a place joins in the same turn, and is there after the first wait.
    for (let at = 0; !signal.aborted; at = (at + 1) % places) {
      await clock.sleep(intervalMs / places, signal);
      if (this.streams === 0) break;
      for (const stream of this.#places[at] ?? []) stream.beat(clock.monotonicMs());
    }
    this.#isRunning = false;
  }
}
