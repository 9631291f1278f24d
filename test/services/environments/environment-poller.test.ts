/** When the poller asks, what it asks, and that it never ends: on a clock of its own. */
import { expect, test } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
import { createRefreshLimiter } from "../../../src/services/environments/refresh-limiter.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import {
  documentOf,
  failing,
  lastModified,
  notModified,
  serving,
  startRig,
} from "../../support/poller-rig.ts";

const conditions = (requests: readonly { ifModifiedSince: string | null }[]) =>
  requests.map(({ ifModifiedSince }) => ifModifiedSince);

test("it polls at once, publishes, and asks for changes only from then on", async () => {
  await using rig = startRig();
  expect(rig.poller.status.state).toBe("waiting");
  await rig.clock.advance(20_000);
  expect(conditions(rig.requests)).toEqual([null, lastModified, lastModified]);
  expect(rig.requests[0]?.serverKey).toBe("ser.secret1234");
  expect(rig.published).toHaveLength(1);
  expect(rig.poller.status).toEqual({
    state: "fresh",
    reason: null,
    lastAttemptTime: new Date(Date.UTC(2026, 0, 1, 0, 0, 20)),
    lastSuccessTime: new Date(Date.UTC(2026, 0, 1, 0, 0, 20)),
    lastSuccessMonotonicMs: 20_000,
    consecutiveFailures: 0,
    joinedMonotonicMs: null,
    pollIntervalMs: null,
  });
});

test("a rotated key is used from the next refresh on", async () => {
  let key = "ser.old";
  await using rig = startRig({ serverKey: () => key });
  await rig.clock.advance(0);
  key = "ser.new";
  await rig.clock.advance(10_000);
  await rig.clock.advance(10_000);
  // It may open another document, of which the date of the old one says nothing.
  expect(rig.requests.map(({ serverKey, ifModifiedSince }) => [serverKey, ifModifiedSince])).toEqual([
    ["ser.old", null],
    ["ser.new", null],
    ["ser.new", lastModified],
  ]);
});

test("the wait starts when the refresh ended, with up to the jitter on top", async () => {
  await using rig = startRig({ random: () => 0.5 });
  rig.upstream = () => {
    rig.clock.pass(3000);
    return documentOf("{}");
  };
  await rig.clock.advance(3000 + 10_500 + 2999);
  expect(rig.requests).toHaveLength(2);
  expect(rig.clock.waits).toEqual([10_500, 10_500]);
});

test("while a document is held, the period is the same after failures and successes", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  rig.upstream = failing("unreachable");
  await rig.clock.advance(60_000);
  expect(rig.clock.waits).toEqual(Array(7).fill(10_000));
  expect(rig.poller.status).toMatchObject({
    state: "failing",
    reason: "unreachable",
    consecutiveFailures: 6,
  });
  expect(rig.poller.status.lastSuccessMonotonicMs).toBe(0);
  rig.upstream = serving(documentOf("{}"));
  await rig.clock.advance(10_000);
  expect(rig.poller.status).toMatchObject({ state: "fresh", reason: null, consecutiveFailures: 0 });
});

test("while there is no document it tries sooner, doubling up to a limit", async () => {
  await using rig = startRig();
  rig.upstream = failing("timeout");
  await rig.clock.advance(3500);
  expect(rig.clock.waits.slice(0, 6)).toEqual([100, 200, 400, 800, 1000, 1000]);
});

test("a rejected key is asked about at the usual pace", async () => {
  await using rig = startRig();
  rig.upstream = failing("key_rejected");
  await rig.clock.advance(10_000);
  expect(rig.clock.waits).toEqual([10_000, 10_000]);
});

test("a 304 without a document is a failure that heals within a second", async () => {
  await using rig = startRig();
  rig.upstream = () => notModified;
  await rig.clock.advance(0);
  expect(rig.poller.status).toMatchObject({ state: "failing", reason: "unexpected_not_modified" });
  rig.upstream = serving(documentOf("{}"));
  await rig.clock.advance(1000);
  expect(rig.poller.status.state).toBe("fresh");
  expect(conditions(rig.requests)).toEqual([null, null]);
});

test("a request for a longer wait is honoured", async () => {
  await using rig = startRig({ random: () => 0.5 });
  rig.upstream = failing("rate_limited", 60_000);
  await rig.clock.advance(0);
  rig.upstream = failing("rate_limited", 5);
  await rig.clock.advance(63_005);
  // What is asked for, which nobody can cut short, and what is added to it.
  expect(rig.clock.waits).toEqual([60_000, 3000, 5, 205]);
});

test("while the circuit is open it asks again when that has a chance, not an interval later", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  rig.upstream = failing("circuit_open", 1000);
  await rig.clock.advance(10_000);
  rig.upstream = failing("circuit_open", 30_000);
  await rig.clock.advance(1000);
  expect(rig.clock.waits).toEqual([10_000, 1000, 30_000]);
});

test("no exception ends the loop, and a bug is logged with its stack", async () => {
  await using rig = startRig();
  const bugs = [new TypeError("a bug"), "a string", null, undefined, new RangeError("another")];
  let thrown = 0;
  rig.upstream = () => {
    throw bugs[thrown++ % bugs.length];
  };
  await rig.clock.advance(3000);
  expect(thrown).toBeGreaterThan(5);
  expect(rig.poller.status).toMatchObject({ state: "failing", reason: null });
  expect(rig.logs).toMatchObject([{ level: "error", fields: { err: { message: "a bug" } } }]);
  rig.upstream = serving(documentOf("{}"));
  await rig.clock.advance(1000);
  expect(rig.poller.status.state).toBe("fresh");
});

test("disposing ends the sleep, the running request and every wait for a refresh at once", async () => {
  const rig = startRig();
  await rig.clock.advance(0);
  rig.upstream = ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  const running = rig.poller.refresh();
  await settle();
  const queued = rig.poller.refresh();
  await rig.poller[Symbol.asyncDispose]();
  await Promise.all([running, queued, rig.poller.refresh()]);
  await rig.clock.advance(60_000);
  expect(rig.requests).toHaveLength(2);
  expect(rig.poller.status.state).toBe("fresh");
  expect(rig.logs.filter(({ level }) => level !== "info")).toEqual([]);

  const sleeping = startRig();
  await sleeping.clock.advance(0);
  await sleeping.poller[Symbol.asyncDispose]();
  expect(sleeping.clock.sleepers).toBe(0);
});

test("disposing does not wait for a place of the limiter, and gives none away", async () => {
  const limiter = createRefreshLimiter(1);
  const gate = Promise.withResolvers<void>();
  const occupied = limiter(() => gate.promise);
  const rig = startRig({ limiter });
  await settle();
  await rig.poller[Symbol.asyncDispose]();
  gate.resolve();
  await occupied;
  await settle();
  expect(rig.requests).toHaveLength(0);
  expect(await limiter(async () => "free")).toBe("free");
});

test("however many hang, one that does well is refreshed at once when that is asked for", async () => {
  const clock = new FakeClock();
  const limiter = createRefreshLimiter(4);
  const well = startRig({ clock, limiter });
  const hanging = Array.from({ length: 50 }, () => startRig({ clock, limiter }));
  for (const rig of hanging) {
    rig.upstream = async ({ signal }) => {
      await clock.sleep(5000, signal ?? new AbortController().signal);
      throw new UpstreamError("timeout", "planned");
    };
  }
  // Each has hung once.
  await clock.advance(100_000);
  for (let asked = 0; asked < 5; asked += 1) {
    const { length } = well.requests;
    void well.poller.refresh();
    await clock.advance(1);
    expect(well.requests).toHaveLength(length + 1);
    await clock.advance(3000);
  }
  await Promise.all([well, ...hanging].map((rig) => rig[Symbol.asyncDispose]()));
});

test("a hundred environments refresh on time while one hangs, never more than the cap at once", async () => {
  const clock = new FakeClock();
  const limiter = createRefreshLimiter(4);
  let running = 0;
  let runningMost = 0;
  const rigs = Array.from({ length: 100 }, (_each, index) => {
    const rig = startRig({ clock, limiter });
    rig.upstream = async () => {
      running += 1;
      runningMost = Math.max(runningMost, running);
      await (index === 0 ? new Promise(() => undefined) : Promise.resolve());
      running -= 1;
      return documentOf("{}");
    };
    return rig;
  });
  await clock.advance(20_000);
  await settle();
  expect(rigs.map(({ requests }) => requests.length)).toEqual([1, ...Array(99).fill(3)]);
  expect(runningMost).toBe(4);
});

test("a step of the wall clock does not disturb the polls", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  rig.clock.stepWall(-10 * 365 * 86_400_000);
  await rig.clock.advance(10_000);
  rig.clock.stepWall(20 * 365 * 86_400_000);
  await rig.clock.advance(10_000);
  expect(rig.requests).toHaveLength(3);
  expect(rig.poller.status).toMatchObject({ state: "fresh", lastSuccessMonotonicMs: 20_000 });
});
