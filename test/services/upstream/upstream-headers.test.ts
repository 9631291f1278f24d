/** Dates and Retry-After as the readers understand them. */
import { expect, test } from "vitest";
import { parseHttpDate } from "../../../src/models/http-date.ts";
import { retryAfterMs } from "../../../src/services/upstream/upstream-headers.ts";

const at = Date.UTC(1994, 10, 6, 8, 49, 37);

test.each(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])(
  "%s is a date, whatever the zone of this host",
  (text) => {
    expect(parseHttpDate(text)).toBe(at);
  },
);

test.each(["", "yesterday", "1994", "6", "2024-01-01T00:00:00Z"])("%o is no date", (text) => {
  expect(parseHttpDate(text)).toBeNull();
});

test("a Retry-After date is read against the answer's own clock", () => {
  const headers = { "retry-after": "Sun, 06 Nov 1994 08:49:47 GMT", date: "Sun, 06 Nov 1994 08:49:37 GMT" };
  expect(retryAfterMs(headers, Date.UTC(2040), 60_000)).toBe(10_000);
});

test("without a Date it is read against ours, and a date that is past asks for nothing", () => {
  const headers = { "retry-after": "Sun, 06 Nov 1994 08:49:47 GMT" };
  expect(retryAfterMs(headers, at, 60_000)).toBe(10_000);
  expect(retryAfterMs(headers, at, 4000)).toBe(4000);
  expect(retryAfterMs(headers, at + 3_600_000, 60_000)).toBe(0);
});
