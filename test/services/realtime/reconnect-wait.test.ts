/** Waits before an event stream is opened again. */
import { expect, it } from "vitest";
import { reconnectWaitMs } from "../../../src/services/realtime/reconnect-wait.ts";

const limits = { reconnectMinMs: 1000, reconnectMaxMs: 60_000 };
const wait = (
  failures: number,
  random: number,
  retryMs: number | null = null,
  askedMs: number | null = null,
) => reconnectWaitMs({ failures, retryMs, askedMs }, limits, random);

it("doubles up to the limit, and halves at random", () => {
  const all = [1, 2, 3, 6, 7, 8, 1000, 1e9];
  expect(all.map((failures) => wait(failures, 0))).toEqual([
    500, 1000, 2000, 16_000, 30_000, 30_000, 30_000, 30_000,
  ]);
  expect(wait(1, 0.999)).toBeCloseTo(999.5);
  expect(wait(1000, 0.5)).toBe(45_000);
});

it.each([
  ["below the least wait", 5, [500, 1000], [1000, 2000]],
  ["between the limits", 7000, [7000, 10_500], [7000, 14_000]],
  ["beyond the longest wait", 1e12, [60_000, 90_000], [60_000, 90_000]],
])("never comes sooner than the upstream has asked, %s", (_name, retryMs, first, second) => {
  expect([wait(1, 0, retryMs), wait(1, 1, retryMs)]).toEqual(first);
  expect([wait(2, 0, retryMs), wait(2, 1, retryMs)]).toEqual(second);
});

it("waits at least as long as the last answer asked for", () => {
  expect(wait(1, 0, null, 90_000)).toBe(90_000);
  expect(wait(8, 0, null, 7000)).toBe(30_000);
});
