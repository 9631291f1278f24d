/** From word of a change to refreshes: at once, spaced, and repeated while the upstream lags behind. */
import { expect, it } from "vitest";
import { ChangeFollower } from "../../../src/services/realtime/change-follower.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const changedMs = 1_713_428_180_678.868;

function startFollower({
  jitterMs = 0,
  random = () => 0,
}: {
  jitterMs?: number;
  random?: () => number;
} = {}) {
  const clock = new FakeClock();
  const refreshes: number[] = [];
  const rig = {
    clock,
    /** When each began. */
    refreshes,
    running: 0,
    goesWell: true,
    refresh: async () => undefined as undefined | Promise<undefined>,
  };
  const follower = new ChangeFollower({
    refresh: async () => {
      refreshes.push(clock.monotonicMs());
      rig.running += 1;
      expect(rig.running).toBe(1);
      await rig.refresh();
      rig.running -= 1;
      return rig.goesWell;
    },
    jitterMs,
    clock,
    random,
  });
  return Object.assign(rig, { follower });
}

it("asks once for a change without a date, after a jitter", async () => {
  const { clock, follower, refreshes } = startFollower({ jitterMs: 100, random: () => 0.4 });
  follower.served(new Date(changedMs));
  follower.changed(null);
  await clock.advance(39);
  expect(refreshes).toEqual([]);
  await clock.advance(60_000);
  expect(refreshes).toEqual([40]);
});

it("asks once where the refresh brought what was heard of, down to the millisecond", async () => {
  const { clock, follower, refreshes } = startFollower();
  follower.served(new Date(changedMs));
  follower.changed(changedMs);
  await clock.advance(60_000);
  expect(refreshes).toEqual([0]);
});

it("asks a few times more where the document lags behind its event, and then no more", async () => {
  const { clock, follower, refreshes } = startFollower();
  follower.served(new Date(changedMs - 1));
  follower.changed(changedMs);
  await clock.advance(60_000);
  expect(refreshes).toEqual([0, 250, 750, 1750, 3750, 7750]);
  follower.changed(null);
  await clock.advance(60_000);
  expect(refreshes).toHaveLength(7);
});

it("stops to ask as soon as the document has come", async () => {
  const rig = startFollower();
  rig.follower.served(new Date(changedMs - 1));
  rig.refresh = async () => {
    if (rig.refreshes.length === 3) rig.follower.served(new Date(changedMs + 5));
    return undefined;
  };
  rig.follower.changed(changedMs);
  await rig.clock.advance(60_000);
  expect(rig.refreshes).toEqual([0, 250, 750]);
});

it("does not ask again for a document without a date", async () => {
  const { clock, follower, refreshes } = startFollower();
  follower.served(null);
  follower.changed(changedMs);
  await clock.advance(60_000);
  expect(refreshes).toHaveLength(1);
});

it("turns a flood of words into a refresh a second, never two at once", async () => {
  const rig = startFollower({ jitterMs: 100, random: () => 0.5 });
  rig.refresh = async () => {
    await rig.clock.sleep(30, new AbortController().signal);
    return undefined;
  };
  rig.follower.served(null);
  for (let ms = 0; ms < 10_000; ms += 10) {
    rig.follower.changed(changedMs + ms);
    await rig.clock.advance(10);
  }
  expect(rig.refreshes.length).toBeGreaterThanOrEqual(9);
  expect(rig.refreshes.length).toBeLessThanOrEqual(11);
});

it("refreshes once more for a word that comes while a refresh runs", async () => {
  const rig = startFollower();
  rig.follower.served(null);
  const gate = Promise.withResolvers<undefined>();
  rig.refresh = () => gate.promise;
  rig.follower.changed(null);
  await rig.clock.advance(0);
  rig.follower.changed(null);
  rig.follower.changed(null);
  gate.resolve(undefined);
  await rig.clock.advance(60_000);
  expect(rig.refreshes).toEqual([0, 1000]);
});

it("does not let a word wait for a repetition that is far away", async () => {
  const { clock, follower, refreshes } = startFollower();
  follower.served(new Date(changedMs - 1));
  follower.changed(changedMs);
  await clock.advance(5000);
  expect(refreshes).toEqual([0, 250, 750, 1750, 3750]);
  follower.served(new Date(changedMs));
  follower.changed(null);
  await clock.advance(0);
  expect(refreshes.at(-1)).toBe(5000);
});

it("ends while it waits for a repetition", async () => {
  const { clock, follower, refreshes } = startFollower();
  follower.served(new Date(changedMs - 1));
  follower.changed(changedMs);
  await clock.advance(5000);
  await follower[Symbol.asyncDispose]();
  expect(refreshes).toHaveLength(5);
  expect(clock.sleepers).toBe(0);
});

it("ends while a refresh runs, and repeats it no more", async () => {
  const rig = startFollower();
  const gate = Promise.withResolvers<undefined>();
  rig.refresh = () => gate.promise;
  rig.follower.served(new Date(changedMs - 1));
  rig.follower.changed(changedMs);
  await rig.clock.advance(0);
  const ended = rig.follower[Symbol.asyncDispose]();
  gate.resolve(undefined);
  await ended;
  expect(rig.refreshes).toHaveLength(1);
  expect(rig.clock.sleepers).toBe(0);
});

it("ends with a wait, and takes no more words", async () => {
  const { clock, follower, refreshes } = startFollower({ jitterMs: 100, random: () => 0.5 });
  follower.changed(null);
  await follower[Symbol.asyncDispose]();
  follower.changed(null);
  await clock.advance(60_000);
  expect(refreshes).toEqual([]);
  expect(clock.sleepers).toBe(0);
});

it("leaves a refresh that failed, or whose document is held back, to the next poll", async () => {
  const rig = startFollower();
  rig.goesWell = false;
  rig.follower.changed(changedMs);
  await rig.clock.advance(60_000);
  expect(rig.refreshes).toEqual([0]);
  rig.follower.changed(changedMs);
  await rig.clock.advance(60_000);
  expect(rig.refreshes).toHaveLength(2);
});
