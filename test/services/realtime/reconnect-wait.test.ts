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
  ["below the least wait", 5, 1000],
  ["between the limits", 7000, 7000],
  ["beyond the longest wait", 1e12, 60_000],
])("takes a retry of the upstream %s", (_name, retryMs, firstMs) => {
  expect(wait(1, 1, retryMs)).toBe(firstMs);
  expect(wait(2, 1, retryMs)).toBe(Math.min(2 * firstMs, 60_000));
});

it("waits at least as long as the last answer asked for", () => {
  expect(wait(1, 0, null, 90_000)).toBe(90_000);
  expect(wait(8, 0, null, 7000)).toBe(30_000);
});
