/** When environments begin to be polled. */
import { expect, it } from "vitest";
import { startControlRig } from "../../support/control-rig.ts";
import { FakeClock } from "../../support/fake-clock.ts";

it("no document is asked for before what has to come first has ended", async () => {
  const clock = new FakeClock();
  const { promise, resolve } = Promise.withResolvers<void>();
  await using rig = startControlRig({ clock, pollsAfter: promise });
  await clock.advance(60_000);
  expect(rig.fetches).toHaveLength(0);
  resolve();
  await clock.advance(0);
  expect(rig.fetches).toHaveLength(1);
});

it("an end does not wait for it", async () => {
  const rig = startControlRig({ clock: new FakeClock(), pollsAfter: new Promise(() => undefined) });
  await rig[Symbol.asyncDispose]();
  expect(rig.fetches).toHaveLength(0);
});
