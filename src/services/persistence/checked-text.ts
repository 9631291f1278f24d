/** Text on disk with a checksum of its own before it: a date that one bit changed would be a date too. */
import { hash } from "node:crypto";

/** @returns the bytes that `decodeChecked` takes */
export function encodeChecked(text: string): Uint8Array {
  return new TextEncoder().encode(`${hash("sha256", text)}\n${text}`);
}

/** @returns null where it is damaged */
export function decodeChecked(bytes: Uint8Array): string | null {
  const whole = new TextDecoder().decode(bytes);
  const end = whole.indexOf("\n");
  const text = whole.slice(end + 1);
  return end >= 0 && hash("sha256", text) === whole.slice(0, end) ? text : null;
}
