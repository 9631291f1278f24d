/** Dates of HTTP headers. */

/** An HTTP date in any of its three forms (RFC 9110, 5.6.7), as epoch milliseconds; null where it is none. */
export function parseHttpDate(text: string | null): number | null {
  if (text === null || !/^[A-Za-z]{3,9},? .*\b\d{2}:\d{2}:\d{2}\b/.test(text)) return null;
  const timeMs = Date.parse(/ GMT$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(timeMs) ? null : timeMs;
}
