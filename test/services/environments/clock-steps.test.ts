/** Steps of the wall clock, by an hour and by ten years: what is fresh stays fresh, what is stale stale. */
import { expect, test } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
import { documentText, feature } from "../../support/contract-documents.ts";
import { type ControlRig, fetchedOf, rigPoll, startControlRig } from "../../support/control-rig.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";

const hourMs = 3_600_000;
const steps = [hourMs, -hourMs, 10 * 365 * 24 * hourMs, -10 * 365 * 24 * hourMs];
const document = fetchedOf(documentText({ key: "clientA", features: [feature(1, "a", { value: 1 })] }));

/** Answers the fetch that waits. */
async function answer(rig: ControlRig, isGood: boolean): Promise<void> {
  const fetch = rig.fetches.shift();
  expect(fetch).toBeDefined();
  if (isGood) fetch?.answer(document);
  else fetch?.fail(new UpstreamError("timeout", "planned"));
  await settle();
}

test.each(steps)("B21 a step of %i ms is no staleness, and each poll comes in time", async (stepMs) => {
  const clock = new FakeClock();
  await using rig = startControlRig({ clock, gracePeriodMs: 5000 });
  await settle();
  await answer(rig, true);
  expect(rig.health()).toMatchObject({ status: "ok", environments: [{ state: "fresh" }] });
  for (let poll = 0; poll < 3; poll += 1) {
    clock.stepWall(stepMs);
    expect(rig.health().status).toBe("ok");
    await clock.advance(rigPoll.intervalMs);
    expect(rig.fetches).toHaveLength(1);
    await answer(rig, true);
    expect(rig.health()).toMatchObject({ status: "ok", environments: [{ state: "fresh", reason: null }] });
  }
});

test.each(steps)("B21 a step of %i ms hides no staleness either", async (stepMs) => {
  const clock = new FakeClock();
  await using rig = startControlRig({ clock, gracePeriodMs: 5000 });
  await settle();
  await answer(rig, true);
  await clock.advance(rigPoll.intervalMs);
  await answer(rig, false);
  clock.stepWall(stepMs);
  expect(rig.health()).toMatchObject({ status: "ok", environments: [{ state: "failing" }] });
  await clock.advance(rigPoll.intervalMs);
  expect(rig.health()).toMatchObject({ status: "error", environments: [{ state: "stale" }] });
});
