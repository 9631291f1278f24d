/** What the admin listener says of the process that polls, from what it was told, on a clock of its own. */
import { expect, it } from "vitest";
import { WatchedEnvironments } from "../../../src/services/admin/watched-environments.ts";
import { neverRefreshed } from "../../../src/services/environments/refresh-status.ts";
import { FakeClock } from "../../support/fake-clock.ts";

it("a process that says nothing for eight seconds is not alive, until it is heard", async () => {
  const clock = new FakeClock();
  const watched = new WatchedEnvironments(clock);
  expect([watched.isAlive(), watched.isServing()]).toEqual([true, true]);
  await clock.advance(8001);
  expect([watched.isAlive(), watched.isServing()]).toEqual([false, false]);
  watched.take({ kind: "alive", atMs: clock.monotonicMs(), isServing: true });
  expect([watched.isAlive(), watched.isServing()]).toEqual([true, true]);
});

it("a process without a worker that serves is alive all the same", () => {
  const clock = new FakeClock();
  const watched = new WatchedEnvironments(clock);
  watched.take({ kind: "alive", atMs: clock.monotonicMs(), isServing: false });
  expect([watched.isAlive(), watched.isServing()]).toEqual([true, false]);
});

it("health sees the environments as it was told of them, and when it was told of anything", () => {
  const clock = new FakeClock();
  const watched = new WatchedEnvironments(clock);
  for (const environment of [0, 1, 2]) watched.take({ kind: "environment", environment });
  watched.take({ kind: "remove-environment", environment: 2 });
  watched.take({ kind: "served", environment: 2, environmentId: 7 });
  const status = { ...neverRefreshed, state: "failing", consecutiveFailures: 3 } as const;
  watched.take({ kind: "status", environment: 1, status });
  watched.take({ kind: "served", environment: 1, environmentId: 42 });
  const controlPlaneHeardMs = clock.monotonicMs();
  expect(watched.healthSources()).toEqual([
    { environmentId: null, refresh: neverRefreshed, controlPlaneHeardMs },
    { environmentId: 42, refresh: status, controlPlaneHeardMs },
  ]);
  expect(watched.isDraining()).toBe(false);
  watched.take({ kind: "draining" });
  expect(watched.isDraining()).toBe(true);
});
