/**
 * Keeps the event stream of one environment open: connect, read, wait, again, for as long as it lives. It
 * must never end because one connection did, and refreshes nothing itself.
 */
import { UpstreamError } from "../../models/errors.ts";
import type { UpstreamEventsSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import type { EventStreamClient } from "../upstream/event-stream-client.ts";
import { reconnectWaitMs } from "./reconnect-wait.ts";
import { UpstreamEventLog } from "./upstream-event-log.ts";
import { readEvents } from "./upstream-event-reader.ts";

export interface UpstreamEventStreamOptions {
  /** The environment as logs name it now; holds no whole key. */
  readonly label: () => string;
  readonly clientKey: string;
  readonly client: Pick<EventStreamClient, "open">;
  readonly settings: UpstreamEventsSettings;
  /** Told of each event; see `EventTaker`. */
  readonly onChange: (updatedAtMs: number | null) => void;
  /** Told after each connect: events may have been missed before it. */
  readonly onGap: () => void;
  /** Whether the upstream will tell of the next change. */
  readonly onHealth: (isHealthy: boolean) => void;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly logger: Logger;
}

/** A stream that goes on for so long has been worth its connect: the next wait is the first again. */
const lastingMs = 10_000;

export class UpstreamEventStream implements AsyncDisposable {
  readonly #options: UpstreamEventStreamOptions;
  readonly #log: UpstreamEventLog;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #lastEventId: string | null = null;
  #retryMs: number | null = null;
  #failures = 0;

  /** Begins to connect. */
  constructor(options: UpstreamEventStreamOptions) {
    this.#options = options;
    this.#log = new UpstreamEventLog(options.label, options.logger, options.clock);
    this.#running = this.#run();
  }

  /** Closes the connection, and tells nobody of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, settings } = this.#options;
    while (!this.#stop.signal.aborted) {
      const error = await this.#connect();
      if (this.#stop.signal.aborted) return;
      this.#failures += 1;
      this.#log.ended(error, this.#failures);
      const askedMs = error instanceof UpstreamError ? error.retryAfterMs : null;
      const reasons = { failures: this.#failures, retryMs: this.#retryMs, askedMs };
      await clock.sleep(reconnectWaitMs(reasons, settings, random()), this.#stop.signal);
    }
  }

  /** One connection, from its beginning to its end. Never rejects. @returns why it ended */
  async #connect(): Promise<unknown> {
    const { client, clientKey, clock, onHealth, settings } = this.#options;
    const ending = new AbortController();
    const { signal } = ending;
    const end = (): void => ending.abort();
    this.#stop.signal.addEventListener("abort", end);
    let isHealthy = false;
    try {
      const bytes = await client.open({ clientKey, lastEventId: this.#lastEventId, signal });
      signal.throwIfAborted();
      isHealthy = true;
      this.#established(signal);
      await readEvents({ bytes, taker: this.#taker(), eventBytesMax: settings.eventBytesMax, clock, signal });
      return new UpstreamError("connection_lost", "The upstream ended the event stream");
    } catch (error) {
      return error;
    } finally {
      end();
      this.#stop.signal.removeEventListener("abort", end);
      if (isHealthy && !this.#stop.signal.aborted) onHealth(false);
    }
  }

  #established(signal: AbortSignal): void {
    const { clock, onGap, onHealth } = this.#options;
    this.#log.established();
    onHealth(true);
    onGap();
    void clock.sleep(lastingMs, signal).then(() => {
      if (signal.aborted) return;
      this.#failures = 0;
      this.#log.lasted();
    });
  }

  #taker() {
    return {
      changed: this.#options.onChange,
      identified: (eventId: string | null) => {
        this.#lastEventId = eventId;
      },
      retry: (waitMs: number) => {
        this.#retryMs = waitMs;
      },
    };
  }
}
