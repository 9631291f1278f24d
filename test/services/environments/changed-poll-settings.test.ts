/** Poll settings that change while a poller runs: also a wait that has begun is as long as they say. */
import { expect, test } from "vitest";
import { settle } from "../../support/fake-clock.ts";
import {
  documentOf,
  failing,
  notModified,
  type PollerRig,
  serving,
  startRig,
} from "../../support/poller-rig.ts";

/** Poll settings of the rig from now on. */
function change(rig: PollerRig, settings: PollerRig["settings"]): void {
  const { intervalMs = 10_000 } = rig.settings;
  rig.settings = settings;
  rig.poller.retime(intervalMs);
}

test("a shorter interval ends a wait that has lasted so long already", async () => {
  await using rig = startRig({ settings: { intervalMs: 100_000 } });
  await rig.clock.advance(30_000);
  change(rig, { intervalMs: 10_000 });
  await rig.clock.advance(0);
  expect(rig.requests).toHaveLength(2);
  await rig.clock.advance(9999);
  expect(rig.requests).toHaveLength(2);
  await rig.clock.advance(1);
  expect(rig.requests).toHaveLength(3);
});

test("a shorter interval makes nothing late: the next poll is due one from now", async () => {
  await using rig = startRig({ settings: { intervalMs: 100_000 } });
  await rig.clock.advance(30_000);
  const { lastSuccessMonotonicMs } = rig.poller.status;
  change(rig, { intervalMs: 10_000 });
  expect(rig.poller.status).toMatchObject({ lastSuccessMonotonicMs, pollIntervalMs: 40_000 });
  await rig.clock.advance(1);
  expect(rig.poller.status.pollIntervalMs).toBeNull();
});

test("what was late already stays late", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  rig.upstream = failing("server_error");
  await rig.clock.advance(60_000);
  change(rig, { intervalMs: 10_000 });
  expect(rig.poller.status.pollIntervalMs).toBeNull();
  change(rig, { intervalMs: 5000 });
  expect(rig.poller.status.pollIntervalMs).toBeNull();
});

test("a longer interval prolongs the wait that has begun, counted from its start", async () => {
  await using rig = startRig();
  await rig.clock.advance(4000);
  change(rig, { intervalMs: 20_000 });
  await rig.clock.advance(15_999);
  expect(rig.requests).toHaveLength(1);
  await rig.clock.advance(1);
  expect(rig.requests).toHaveLength(2);
});

test("the same settings again change no wait, however often", async () => {
  await using rig = startRig();
  for (let second = 0; second < 9; second += 1) {
    await rig.clock.advance(1000);
    change(rig, rig.settings);
    await settle();
  }
  expect(rig.requests).toHaveLength(1);
  await rig.clock.advance(1000);
  expect(rig.requests).toHaveLength(2);
});

test("a change while a refresh runs neither ends it nor spares the wait after it", async () => {
  await using rig = startRig();
  const answer = Promise.withResolvers<typeof notModified>();
  await rig.clock.advance(0);
  rig.upstream = () => answer.promise;
  await rig.clock.advance(10_000);
  change(rig, { intervalMs: 5000 });
  answer.resolve(notModified);
  await rig.clock.advance(4999);
  expect(rig.requests).toHaveLength(2);
  await rig.clock.advance(1);
  expect(rig.requests).toHaveLength(3);
});

test("a refresh that is asked for ends a wait that was prolonged", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  change(rig, { intervalMs: 60_000 });
  await rig.clock.advance(10_000);
  expect(rig.requests).toHaveLength(1);
  await rig.poller.refresh();
  expect(rig.requests).toHaveLength(2);
});

test("jitter, retries and unconditional polls follow the settings of the day", async () => {
  await using rig = startRig({ random: () => 1 });
  await rig.clock.advance(0);
  expect(rig.clock.waits.at(-1)).toBe(11_000);
  change(rig, { jitterRatio: 0, unconditionalEveryPolls: 1 });
  await rig.clock.advance(20_000);
  expect(rig.requests.map(({ ifModifiedSince }) => ifModifiedSince)).toEqual([null, null, null]);

  await using failing = startRig({ settings: { retryMinMs: 100, retryMaxMs: 100, jitterRatio: 0 } });
  failing.upstream = () => {
    throw new Error("planned");
  };
  await failing.clock.advance(0);
  expect(failing.clock.waits.at(-1)).toBe(100);
  change(failing, { retryMinMs: 700, retryMaxMs: 700, jitterRatio: 0 });
  await failing.clock.advance(699);
  expect(failing.requests).toHaveLength(1);
  failing.upstream = serving(documentOf("{}"));
  await failing.clock.advance(1);
  expect(failing.requests).toHaveLength(2);
});
