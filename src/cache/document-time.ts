/**
 * The document's `updated_at` as the wire needs it: seconds since the epoch, always with a fraction,
 * because SDKs compare it as a float and one ignores integers (contract A8, A10, B 1.9).
 */

const isoPattern =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d+))?\s*(Z|z|[+-]\d{2}:?\d{2}(?::?\d{2})?)?$/;

/**
 * @param text ISO 8601 with `Z`, with an offset, or without one (then UTC); up to microseconds count
 * @returns such as `1713428180.678868` or `1713428180.0`; null where the text is no time
 */
export function epochSecondsText(text: string): string | null {
  const match = isoPattern.exec(text.trim());
  if (match === null) return null;
  const [, date, time = "", fraction = "", zone = "Z"] = match;
  const offset =
    zone.toUpperCase() === "Z" ? "Z" : `${zone.slice(0, 3)}:${zone.replace(":", "").slice(3, 5)}`;
  // A leap second (RFC 3339 5.7) is the one after it: the epoch counts none.
  const isLeap = time.length === 8 && time.endsWith(":60");
  const plainTime = isLeap ? time.replace(/60$/, "59") : time.padEnd(8, ":00");
  const wholeMs = Date.parse(`${date}T${plainTime}${offset}`);
  if (Number.isNaN(wholeMs)) return null;
  const seconds = Math.floor(wholeMs / 1000) + (isLeap ? 1 : 0);
  const digits = fraction.slice(0, 6).replace(/0+$/, "");
  if (seconds >= 0 || digits === "") return `${seconds}.${digits || "0"}`;
  return String(seconds + Number(`0.${digits}`));
}

/** The same as a point in time; null where the text is none. */
export function documentTime(text: string): Date | null {
  const seconds = epochSecondsText(text);
  return seconds === null ? null : new Date(Number(seconds) * 1000);
}

/** A point in time as `epochSecondsText` writes it, to the second. */
export function epochSecondsOf(time: Date): string {
  return `${Math.floor(time.getTime() / 1000)}.0`;
}
