/**
 * Reads one event stream of the upstream, within limits, until it ends. It does not act on what it reads, and
 * must not let a stream grow in memory or take the processor.
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { UpstreamError } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";

/** What a stream may say. */
export interface EventTaker {
  /** Something changed; when, in epoch milliseconds, or null where the event does not tell. */
  changed(updatedAtMs: number | null): void;
  /** What the next connection is to send as `Last-Event-ID`; null: nothing. */
  identified(eventId: string | null): void;
  /** How long the upstream wants to be left alone before the next connection, in milliseconds. */
  retry(waitMs: number): void;
}

export interface EventReading {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly taker: EventTaker;
  readonly eventBytesMax: number;
  readonly clock: Clock;
  /** Ends a pause of the reading. */
  readonly signal: AbortSignal;
}

/** The name of the one event there is (contract A10, B 1.8). Some SDKs read events of any name. */
const changeNames: ReadonlySet<string | undefined> = new Set([undefined, "message", "environment_updated"]);
/** So much is read of a stream in a second, and the rest waits on the network: events have 100 bytes. */
const bytesPerSecondMax = 1_048_576;
const secondMs = 1000;
/** It becomes a header: what does not fit into one is forgotten. */
const eventIdPattern = /^[\x20-\x7e]{1,256}$/;
/** Seconds since the epoch stay below this until the year 5138, and milliseconds have passed it in 1973. */
const secondsMax = 100_000_000_000;

/**
 * Resolves when the stream has ended.
 * @throws UpstreamError `too_large` where an event is longer than the limit; what the bytes throw
 */
export async function readEvents(reading: EventReading): Promise<void> {
  const { bytes, clock, signal } = reading;
  const decoder = new TextDecoder();
  const feed = createFeed(reading);
  let windowStartMs = clock.monotonicMs();
  let windowBytes = 0;
  for await (const chunk of bytes) {
    feed(decoder.decode(chunk, { stream: true }));
    const nowMs = clock.monotonicMs();
    if (nowMs - windowStartMs >= secondMs) {
      windowStartMs = nowMs;
      windowBytes = 0;
    }
    windowBytes += chunk.byteLength;
    if (windowBytes >= bytesPerSecondMax) await clock.sleep(windowStartMs + secondMs - nowMs, signal);
  }
}

function createFeed({ taker, eventBytesMax }: EventReading): (text: string) => void {
  let isTooLarge = false;
  const parser = createParser({
    maxBufferSize: eventBytesMax,
    onEvent: (event) => {
      if (changeNames.has(event.event)) taker.changed(updatedAtOf(event));
    },
    onId: (id) => taker.identified(eventIdPattern.test(id) ? id : null),
    onRetry: (waitMs) => taker.retry(waitMs),
    // Fields that are unknown and waits that are no number are passed over, as browsers do.
    onError: ({ type }) => {
      if (type === "max-buffer-size-exceeded") isTooLarge = true;
    },
  });
  return (text) => {
    parser.feed(text);
    if (isTooLarge) {
      throw new UpstreamError("too_large", `An event of the upstream is longer than ${eventBytesMax} bytes`);
    }
  };
}

/** An event that cannot be read still says that something changed. */
function updatedAtOf({ data }: EventSourceMessage): number | null {
  try {
    const { updated_at: updatedAt } = JSON.parse(data) as { updated_at?: unknown };
    return epochMsOf(updatedAt);
  } catch {
    return null;
  }
}

/** Seconds, as SDKs take it; milliseconds or ISO 8601, as documents of the API have shown it too. */
function epochMsOf(time: unknown): number | null {
  const isSeconds = typeof time === "number" && time < secondsMax;
  const epochMs = typeof time === "string" ? Date.parse(time) : isSeconds ? time * 1000 : time;
  return Number.isFinite(epochMs) ? (epochMs as number) : null;
}
