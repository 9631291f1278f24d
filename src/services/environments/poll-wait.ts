/**
 * How long a poller waits between two refreshes. Pure: it must not sleep, and it must not keep count.
 */
import type { UpstreamError } from "../../models/errors.ts";
import type { PollSettings } from "../../models/settings.ts";

/** What the last refresh came to. */
export interface RefreshOutcome {
  /** Null after a success, and after a failure that is no `UpstreamError`. */
  readonly error: UpstreamError | null;
  /** Failures in a row, this one included; 0 after a success. */
  readonly consecutiveFailures: number;
  /** Whether a published document is held. */
  readonly holdsDocument: boolean;
  /** Whether the upstream's document was refused, as it will be until the upstream has another. */
  readonly isRefusal: boolean;
}

/**
 * The wait from the end of one refresh to the start of the next (contract A11, reliability 2.5).
 *
 * While a document is held the period is the same after success and failure: the upstream's load neither
 * grows nor shrinks with its health, and a recovery shows within one poll. Without one, each try is worth
 * more, and they come sooner.
 *
 * In any case the wait is as long as the failure asks for: `Retry-After` of an answer, or the time to the
 * circuit's next probe.
 *
 * @param random from 0 (included) to 1 (excluded): adds up to `jitterRatio` of the wait, so that proxies that
 *   were started together drift apart
 * @returns milliseconds
 */
export function pollWaitMs(outcome: RefreshOutcome, settings: PollSettings, random: number): number {
  const askedMs = outcome.error?.retryAfterMs ?? 0;
  return Math.max(plainWaitMs(outcome, settings), askedMs) * (1 + random * settings.jitterRatio);
}

function plainWaitMs(outcome: RefreshOutcome, settings: PollSettings): number {
  const { error, consecutiveFailures, holdsDocument, isRefusal } = outcome;
  // No request was sent, so asking again soon costs the upstream nothing; waiting a whole interval would hide
  // a recovery for up to two.
  if (error?.code === "circuit_open") return Math.min(settings.intervalMs, settings.retryMinMs);
  // A rejected key does not heal by itself within seconds.
  const retriesSooner = !holdsDocument && consecutiveFailures > 0 && error?.code !== "key_rejected";
  if (!retriesSooner) return settings.intervalMs;
  const isCostly = isRefusal || error?.code === "too_large" || error?.code === "reader_failed";
  const maxMs = isCostly ? Math.max(settings.retryMaxMs, settings.intervalMs) : settings.retryMaxMs;
  return Math.min(maxMs, settings.retryMinMs * 2 ** (consecutiveFailures - 1));
}
