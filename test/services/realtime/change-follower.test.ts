/** From word of a change to refreshes: soon, spaced, spread where they catch up, repeated while one lags. */
import { expect, it } from "vitest";
import { ChangeFollower } from "../../../src/services/realtime/change-follower.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const changedMs = 1_713_428_180_678.868;

function startFollower({
  jitterMs = 0,
  catchUpSpreadMs = 0,
  random = () => 0,
}: {
  jitterMs?: number;
  catchUpSpreadMs?: number;
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
    catchUpSpreadMs,
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
  expect(refreshes).toEqual([0, 500, 2000, 8000]);
  follower.changed(null);
  await clock.advance(60_000);
  expect(refreshes).toHaveLength(5);
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
  expect(rig.refreshes).toEqual([0, 500, 2000]);
});

it("does not ask again for a document without a date", async () => {
  const { clock, follower, refreshes } = startFollower();
  follower.served(null);
  follower.changed(changedMs);
  await clock.advance(60_000);
  expect(refreshes).toHaveLength(1);
});

it("follows a few changes in a row at once, and then one a second", async () => {
  const { clock, follower, refreshes } = startFollower();
  follower.served(null);
  for (let change = 0; change < 8; change += 1) {
    follower.changed(null);
    await clock.advance(100);
  }
  await clock.advance(60_000);
  expect(refreshes).toEqual([0, 100, 200, 300, 400, 1000]);
  // A second's rest is worth a refresh.
  for (let change = 0; change < 5; change += 1) {
    follower.changed(null);
    await clock.advance(0);
  }
  expect(refreshes.slice(6)).toEqual(Array(5).fill(clock.monotonicMs()));
});

it("asks once where what came has the date of what was there, which then does not tell", async () => {
  const rig = startFollower();
  rig.follower.served(new Date(changedMs - 5000));
  rig.refresh = async () => {
    rig.follower.served(new Date(changedMs - 5000));
    return undefined;
  };
  rig.follower.changed(changedMs);
  await rig.clock.advance(60_000);
  expect(rig.refreshes).toEqual([0]);
});

it("asks as often as ever for the next change after one that the date did not tell of", async () => {
  const rig = startFollower();
  rig.follower.served(new Date(changedMs - 5000));
  rig.refresh = async () => {
    if (rig.refreshes.length === 1) rig.follower.served(new Date(changedMs - 5000));
    return undefined;
  };
  rig.follower.changed(changedMs);
  await rig.clock.advance(3_600_000);
  rig.follower.changed(changedMs + 1000);
  await rig.clock.advance(60_000);
  expect(rig.refreshes).toHaveLength(1 + 4);
});

it("asks again for a document that is older than the one before", async () => {
  const rig = startFollower();
  rig.follower.served(new Date(changedMs - 1000));
  rig.refresh = async () => {
    if (rig.refreshes.length === 1) rig.follower.served(new Date(changedMs - 5000));
    return undefined;
  };
  rig.follower.changed(changedMs);
  await rig.clock.advance(60_000);
  expect(rig.refreshes).toHaveLength(4);
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
  // Five at once, and those of nine seconds.
  expect(rig.refreshes.length).toBeGreaterThanOrEqual(13);
  expect(rig.refreshes.length).toBeLessThanOrEqual(15);
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
  expect(rig.refreshes).toEqual([0, 0]);
});

it("does not let a word wait for a repetition that is far away", async () => {
  const { clock, follower, refreshes } = startFollower();
  follower.served(new Date(changedMs - 1));
  follower.changed(changedMs);
  await clock.advance(5000);
  expect(refreshes).toEqual([0, 500, 2000]);
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
  expect(refreshes).toHaveLength(3);
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

/** Half of the jitter is 50 ms, half of the spread 2.5 s; what is served is newer than any word. */
function startSpread() {
  const rig = startFollower({ jitterMs: 100, catchUpSpreadMs: 5000, random: () => 0.5 });
  rig.follower.served(new Date(changedMs));
  return rig;
}

it("catches up once within the spread, however often it is asked", async () => {
  const { clock, follower, refreshes } = startSpread();
  follower.catchUp();
  await clock.advance(1000);
  follower.catchUp();
  await clock.advance(60_000);
  expect(refreshes).toEqual([2500]);
});

it("catches up after the jitter where that is longer than the spread", async () => {
  const { clock, follower, refreshes } = startFollower({ jitterMs: 100, random: () => 0.5 });
  follower.catchUp();
  await clock.advance(60_000);
  expect(refreshes).toEqual([50]);
});

it.each([null, changedMs])(
  "a change meanwhile (%s) does not wait for the spread, and one refresh is for both",
  async (at) => {
    const { clock, follower, refreshes } = startSpread();
    follower.catchUp();
    await clock.advance(1000);
    follower.changed(at);
    follower.catchUp();
    await clock.advance(60_000);
    expect(refreshes).toEqual([1050]);
  },
);

it("does not let what catches up delay a change that waits already", async () => {
  const { clock, follower, refreshes } = startSpread();
  follower.changed(null);
  await clock.advance(20);
  follower.catchUp();
  await clock.advance(60_000);
  expect(refreshes).toEqual([50]);
});

it("catches up after a refresh that runs, which may have begun too early", async () => {
  const rig = startSpread();
  const gate = Promise.withResolvers<undefined>();
  rig.refresh = () => gate.promise;
  rig.follower.changed(null);
  await rig.clock.advance(50);
  rig.follower.catchUp();
  gate.resolve(undefined);
  await rig.clock.advance(60_000);
  expect(rig.refreshes).toEqual([50, 2550]);
});

it("repeats for a document that lags behind as ever, and that catches up too", async () => {
  const rig = startSpread();
  rig.refresh = async () => {
    if (rig.refreshes.length === 1) rig.follower.catchUp();
    if (rig.refreshes.length === 3) rig.follower.served(new Date(changedMs + 1));
    return undefined;
  };
  rig.follower.changed(changedMs + 1);
  await rig.clock.advance(60_000);
  expect(rig.refreshes).toEqual([50, 550, 2050]);
});

it("ends while it waits to catch up", async () => {
  const { clock, follower, refreshes } = startSpread();
  follower.catchUp();
  await clock.advance(1000);
  await follower[Symbol.asyncDispose]();
  expect([refreshes, clock.sleepers]).toEqual([[], 0]);
});
