/** The slower pace of polls while the upstream tells of changes by itself, and the way back. */
import { expect, test } from "vitest";
import { documentOf, failing, lastModified, serving, startRig } from "../../support/poller-rig.ts";

const conditions = (requests: readonly { ifModifiedSince: string | null }[]) =>
  requests.map(({ ifModifiedSince }) => ifModifiedSince);

test("polls come at the slower pace from the next success on, and health is told", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  rig.poller.setPace(60_000);
  expect(rig.poller.status.pollIntervalMs).toBe(null);
  await rig.clock.advance(10_000);
  expect(rig.requests).toHaveLength(2);
  expect(rig.poller.status.pollIntervalMs).toBe(60_000);
  await rig.clock.advance(59_999);
  expect(rig.requests).toHaveLength(2);
  await rig.clock.advance(1);
  expect(rig.requests).toHaveLength(3);
});

test("a pace faster than the usual one is the usual one", async () => {
  await using rig = startRig();
  rig.poller.setPace(1000);
  await rig.clock.advance(30_000);
  expect(rig.requests).toHaveLength(4);
  expect(rig.poller.status.pollIntervalMs).toBe(null);
});

test("a pace that was faster than the usual one is heeded once the usual one is faster still", async () => {
  await using rig = startRig({ settings: { intervalMs: 100_000 } });
  rig.poller.setPace(20_000);
  await rig.clock.advance(0);
  rig.settings = { intervalMs: 10_000 };
  rig.poller.retime(100_000);
  await rig.clock.advance(10_000);
  const { length } = rig.requests;
  await rig.clock.advance(100_000);
  expect(rig.requests).toHaveLength(length + 5);
});

test.each([
  ["early in a long wait, a usual wait later", 5000, 15_000],
  ["late in a long wait, when it would have ended", 55_000, 60_000],
])("a pace that is the usual one again %s is the next poll", async (_name, lostMs, nextMs) => {
  await using rig = startRig();
  rig.poller.setPace(60_000);
  await rig.clock.advance(lostMs);
  expect(rig.requests).toHaveLength(1);
  const { confirmations } = rig;
  rig.poller.setPace(null);
  // That a stream is lost says nothing of the document.
  expect(rig.confirmations).toBe(confirmations);
  await rig.clock.advance(nextMs - lostMs - 1);
  expect(rig.requests).toHaveLength(1);
  await rig.clock.advance(1);
  expect(rig.requests).toHaveLength(2);
  expect(rig.poller.status.pollIntervalMs).toBe(null);
  await rig.clock.advance(10_000);
  expect(rig.requests).toHaveLength(3);
});

test("a refresh that is asked for ends a long wait, and what is left of it", async () => {
  await using rig = startRig();
  rig.poller.setPace(60_000);
  await rig.clock.advance(5000);
  void rig.poller.refresh();
  await rig.clock.advance(0);
  expect(rig.requests).toHaveLength(2);
  await rig.clock.advance(5000);
  rig.poller.setPace(null);
  await rig.clock.advance(5000);
  void rig.poller.refresh();
  await rig.clock.advance(0);
  expect(rig.requests).toHaveLength(3);
});

test("failures are followed by the usual wait, and the last success keeps its promise", async () => {
  await using rig = startRig();
  rig.poller.setPace(60_000);
  await rig.clock.advance(0);
  rig.upstream = failing("server_error");
  await rig.clock.advance(60_000);
  expect(rig.requests).toHaveLength(2);
  await rig.clock.advance(30_000);
  expect(rig.requests).toHaveLength(5);
  expect(rig.poller.status).toMatchObject({ consecutiveFailures: 4, pollIntervalMs: 60_000 });
});

test.each([
  ["early in a long wait, as if it had succeeded then", 5000, 15_000],
  ["late in a long wait, as before", 55_000, 60_000],
])("health is promised a poll again once the pace is the usual one %s", async (_name, lostMs, promisedMs) => {
  await using rig = startRig();
  rig.poller.setPace(60_000);
  await rig.clock.advance(lostMs);
  rig.upstream = failing("server_error");
  rig.poller.setPace(null);
  expect(rig.poller.status).toMatchObject({ state: "fresh", pollIntervalMs: promisedMs });
  await rig.clock.advance(60_000);
  expect(rig.poller.status).toMatchObject({ state: "failing", pollIntervalMs: promisedMs });
  rig.upstream = serving(documentOf("{}"));
  await rig.clock.advance(20_000);
  expect(rig.poller.status.pollIntervalMs).toBe(null);
});

test("documents are fetched without a condition as often as at the usual pace", async () => {
  await using rig = startRig({ settings: { unconditionalEveryPolls: 30 } });
  rig.poller.setPace(60_000);
  await rig.clock.advance(600_000);
  const ofFiveMinutes = [null, ...Array.from({ length: 4 }, () => lastModified)];
  expect(conditions(rig.requests)).toEqual([...ofFiveMinutes, ...ofFiveMinutes, null]);
});

test("refreshes that are asked for do not put the unconditional one off", async () => {
  await using rig = startRig({ settings: { unconditionalEveryPolls: 30 } });
  rig.poller.setPace(60_000);
  await rig.clock.advance(0);
  for (let minutes = 0; minutes < 6; minutes += 1) {
    await rig.clock.advance(50_000);
    void rig.poller.refresh();
    await rig.clock.advance(0);
  }
  expect(conditions(rig.requests).filter((each) => each === null)).toHaveLength(2);
});

test("a poller ends in the middle of a long wait, and of what is left of it", async () => {
  for (const isHurried of [false, true]) {
    const rig = startRig();
    rig.poller.setPace(60_000);
    await rig.clock.advance(5000);
    if (isHurried) rig.poller.setPace(null);
    await rig[Symbol.asyncDispose]();
    expect(rig.clock.sleepers).toBe(0);
  }
});
