/** How long to wait before an event stream is opened again. Pure: it must not sleep, and not keep count. */

/** What is known of the tries before. */
export interface ReconnectReasons {
  /** Streams in a row that could not be opened or did not last; at least 1. */
  readonly failures: number;
  /** The wait that the upstream named in the stream (`retry:`); null: none. */
  readonly retryMs: number | null;
  /** What the last answer asked for (`Retry-After`); null: nothing. */
  readonly askedMs: number | null;
}

/**
 * Exponential, and up to half of it is drawn at random: streams that broke together must not come back
 * together. Nobody comes sooner than the upstream has asked for.
 *
 * @param limits `retry:` is honoured between them; `Retry-After` is limited by whoever read it
 * @param random from 0 (included) to 1 (excluded)
 * @returns milliseconds
 */
export function reconnectWaitMs(
  { failures, retryMs, askedMs }: ReconnectReasons,
  limits: { readonly reconnectMinMs: number; readonly reconnectMaxMs: number },
  random: number,
): number {
  const { reconnectMinMs, reconnectMaxMs } = limits;
  const namedMs = Math.min(retryMs ?? 0, reconnectMaxMs);
  const firstMs = Math.max(reconnectMinMs, namedMs);
  const backoffMs = Math.min(reconnectMaxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  const leastMs = Math.max(backoffMs / 2, namedMs);
  return Math.max(leastMs + (random * backoffMs) / 2, askedMs ?? 0);
}
