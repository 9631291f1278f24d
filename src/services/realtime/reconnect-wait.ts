/** How long to wait before an event stream is opened again. Pure: it must not sleep, and not keep count. */

/** What is known of the tries before. */
export interface ReconnectReasons {
  /** Streams in a row that could not be opened or did not last; at least 1. */
  readonly failures: number;
  /** The least wait that the upstream named in the stream (`retry:`); null: none. */
  readonly retryMs: number | null;
  /** What the last answer asked for (`Retry-After`); null: nothing. */
  readonly askedMs: number | null;
}

/**
 * Exponential, and halved at random: streams that broke together must not come back together.
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
  const firstMs = Math.min(Math.max(reconnectMinMs, retryMs ?? 0), reconnectMaxMs);
  const backoffMs = Math.min(reconnectMaxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(backoffMs * (0.5 + random / 2), askedMs ?? 0);
}
