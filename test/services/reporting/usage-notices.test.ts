/** What a data plane tells of its answers, and when. */
import { expect, it } from "vitest";
import type { DataPlaneNotice } from "../../../src/services/environments/data-plane-notice.ts";
import { UsageNotices } from "../../../src/services/reporting/usage-notices.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function start(settings: { flushIntervalMs: number } | null) {
  const clock = new FakeClock();
  const counted = { count: 0 };
  const told: DataPlaneNotice[] = [];
  const take = () => {
    const rows = [{ client_side_key: "a", resource: "flags", count: counted.count } as const];
    counted.count = 0;
    return rows.filter(({ count }) => count > 0);
  };
  const notices = new UsageNotices({ settings, take, notify: (notice) => told.push(notice), clock });
  const counts = () => told.map((each) => "rows" in each && each.rows[0]?.count);
  return { clock, counted, notices, counts };
}

it("tells its increments once a second, nothing where there is none, and the last at its end", async () => {
  const { clock, counted, notices, counts } = start({ flushIntervalMs: 60_000 });
  await notices.beginAfter(Promise.resolve());
  await clock.advance(500);
  counted.count = 3;
  await clock.advance(499);
  expect(counts()).toEqual([]);
  await clock.advance(3000);
  expect(counts()).toEqual([3]);
  counted.count = 2;
  await notices[Symbol.asyncDispose]();
  expect(counts()).toEqual([3, 2]);
});

it("tells nothing where nobody wants to know, and waits for nothing where nobody listens", async () => {
  const { clock, counted, notices, counts } = start(null);
  await notices.beginAfter(Promise.resolve());
  counted.count = 3;
  await notices[Symbol.asyncDispose]();
  expect([clock.sleepers, counts()]).toEqual([0, []]);
  const other = start({ flushIntervalMs: 60_000 });
  await expect(other.notices.beginAfter(Promise.reject(new Error("in use")))).rejects.toThrow("in use");
  expect(other.clock.sleepers).toBe(0);
});
