/**
 * What is written to a client stream, to the byte (contract A10, B 1.8): some SDKs read lines, and
 * take whatever follows `data:` for JSON. So events alone may carry it.
 */

/** A comment, which every reader passes over. It keeps proxies and phones from taking a stream for dead. */
export const keepAliveBytes: Uint8Array = Buffer.from(":\n\n");

/** Streams that end together are opened again within these, by clients that heed `retry:`. */
const retryMsMin = 1000;
const retryMsMax = 5000;

/** @param updatedAtSeconds as the answers' `X-Flagsmith-Document-Updated-At` has it, with a fraction */
export function eventText(updatedAtSeconds: string): string {
  return `event: environment_updated\ndata: {"updated_at": ${updatedAtSeconds}}\n\n`;
}

const encoder = new TextEncoder();

/**
 * @returns the text in memory of its own: an event is kept as long as its document is served, and a slice of
 *   Node's pool would keep the other 64 KiB of it with it
 */
export function eventBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * How long a client waits before it connects again. Its own block: an event has nothing but name and data.
 * @param random from 0 (included) to 1 (excluded)
 */
export function retryText(random: number): string {
  return `retry: ${Math.round(retryMsMin + random * (retryMsMax - retryMsMin))}\n\n`;
}
