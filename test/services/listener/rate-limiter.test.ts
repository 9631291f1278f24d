/** Token buckets: what a client may do at once, for long, and after a pause. */
import { expect, test } from "vitest";
import { clientsMax, RateLimiter } from "../../../src/services/listener/rate-limiter.ts";

const limiterOf = (requestsPerSecond: number, burst: number) => new RateLimiter({ requestsPerSecond, burst });
const count = (limiter: RateLimiter, client: string, nowMs: number, tries: number) =>
  Array.from({ length: tries }, () => limiter.take(client, nowMs)).filter((waitMs) => waitMs === 0).length;

test("a burst is let through at once, and then as many a second as are allowed", () => {
  const limiter = limiterOf(10, 5);
  expect(count(limiter, "a", 0, 100)).toBe(5);
  expect(limiter.take("a", 0)).toBe(100);
  expect(limiter.take("a", 99)).toBeCloseTo(1);
  expect(limiter.take("a", 100)).toBe(0);
  expect(limiter.take("a", 100)).toBe(100);
});

test("over a long time the mean is the rate, and a pause saves no more than a burst", () => {
  const limiter = limiterOf(10, 5);
  let taken = 0;
  for (let nowMs = 0; nowMs < 10_000; nowMs += 10) taken += count(limiter, "a", nowMs, 1);
  expect(taken).toBeGreaterThanOrEqual(103);
  expect(taken).toBeLessThanOrEqual(105);
  expect(count(limiter, "a", 1_000_000, 100)).toBe(5);
});

test("each client has its own bucket", () => {
  const limiter = limiterOf(1, 1);
  expect([limiter.take("a", 0), limiter.take("b", 0)]).toEqual([0, 0]);
  expect(limiter.take("a", 0)).toBeGreaterThan(0);
});

test("who is refused is not set back by asking on", () => {
  const limiter = limiterOf(1, 1);
  limiter.take("a", 0);
  for (let nowMs = 0; nowMs < 1000; nowMs += 100) expect(limiter.take("a", nowMs)).toBeGreaterThan(0);
  expect(limiter.take("a", 1001)).toBe(0);
});

test("clients are remembered up to a limit, and who asked last longest", () => {
  const limiter = limiterOf(0.001, 1);
  limiter.take("busy", 0);
  for (let index = 0; index < clientsMax + 100; index += 1) {
    limiter.take(`client ${index}`, 0);
    if (index % 1000 === 0) limiter.take("busy", 0);
  }
  expect(limiter.clients).toBe(clientsMax);
  expect(limiter.take("busy", 0)).toBeGreaterThan(0);
  expect(limiter.take("client 0", 0)).toBe(0);
});
