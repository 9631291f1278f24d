/** When environments begin to be polled, and by which keys logs name them. */
import { expect, it } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
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

it("logs name an environment by the key that it is asked about with, also after a rotation", async () => {
  const clock = new FakeClock();
  await using rig = startControlRig({ clock });
  const failed = async (serverKeys: readonly string[]) => {
    const keys = serverKeys.map((key, at) => ({ key, expiresAtMs: at === 0 ? 0 : null }));
    rig.setKeys({ clientSideKey: "clientA", serverKeys: keys });
    await clock.advance(3_600_000);
    rig.fetches.pop()?.fail(new UpstreamError("key_rejected", "no"));
    await clock.advance(1);
    return rig.lines.at(-1)?.fields["environment"];
  };
  // The first of them has expired.
  expect(await failed(["ser.long-enough-0000", "ser.long-enough-1111"])).toBe("ser.…1111");
  expect(await failed(["ser.long-enough-1111", "ser.long-enough-2222"])).toBe("ser.…2222");
});
