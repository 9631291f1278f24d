/** Keys open what they are for, and nothing else does, whatever it looks like. */
import { expect, it } from "vitest";
import { zeroCounts } from "../../../src/cache/answer-counts.ts";
import { keysOfPair } from "../../../src/services/environments/environment-list.ts";
import { KeyDirectory } from "../../../src/services/environments/key-directory.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const one = { clientSideKey: "client_one", serverSideKey: "ser.one_longer" };
const two = { clientSideKey: "client_two", serverSideKey: "ser.two" };

function makeDirectory() {
  const clock = new FakeClock();
  const directory = new KeyDirectory(clock);
  const emptySlot = () => ({ current: null, counts: zeroCounts() });
  const [slotOfOne, slotOfTwo] = [emptySlot(), emptySlot()];
  directory.set(slotOfOne, keysOfPair(one));
  directory.set(slotOfTwo, keysOfPair(two));
  return { clock, directory, resolve: directory.resolve, slotOfOne, slotOfTwo };
}

it("each key opens its environment with its view, the longest too", () => {
  const { resolve, slotOfOne, slotOfTwo } = makeDirectory();
  expect(resolve(one.clientSideKey)).toMatchObject({ view: "client" });
  expect(resolve(one.clientSideKey)?.slot).toBe(slotOfOne);
  expect(resolve(one.serverSideKey)).toMatchObject({ view: "server" });
  expect(resolve(one.serverSideKey)?.slot).toBe(slotOfOne);
  expect(resolve(two.serverSideKey)?.slot).toBe(slotOfTwo);
});

it.each([
  ...["", "ser.", "client_", "client_on", "client_one ", "CLIENT_ONE", "client_one\0", "ser.one_longe"],
  ...["ser.one_longer!", "x".repeat(16_384), "__proto__", "constructor", "toString", "0"],
])("%j opens nothing", (key) => expect(makeDirectory().resolve(key)).toBeUndefined());

it("a key is found by its text, however the string was made", () => {
  const { resolve, slotOfOne } = makeDirectory();
  const made = [Buffer.from(one.serverSideKey).toString("latin1"), ` ${one.serverSideKey} `.trim()];
  made.push(["ser.one", "longer"].join("_"), `x${one.serverSideKey}`.slice(1));
  for (const key of made) expect(resolve(key)?.slot).toBe(slotOfOne);
});

it("a server key is refused from the moment in which it expires, and others stay", async () => {
  const { clock, directory, resolve, slotOfOne } = makeDirectory();
  const expiresAtMs = clock.wallTime().getTime() + 1000;
  const serverKeys = [
    { key: "ser.old", expiresAtMs },
    { key: "ser.new", expiresAtMs: null },
  ];
  directory.set(slotOfOne, { clientSideKey: one.clientSideKey, serverKeys });
  expect(resolve(one.serverSideKey)).toBeUndefined();
  expect(resolve("ser.old")?.slot).toBe(slotOfOne);
  await clock.advance(1000);
  expect(resolve("ser.old")).toBeUndefined();
  expect(resolve("ser.new")?.view).toBe("server");
  expect(resolve(one.clientSideKey)?.view).toBe("client");
});

it("a removed environment's keys open nothing, unless another has one of them by now", () => {
  const { directory, resolve, slotOfOne, slotOfTwo } = makeDirectory();
  directory.set(slotOfTwo, keysOfPair({ ...two, serverSideKey: one.serverSideKey }));
  directory.remove(slotOfOne);
  expect(resolve(one.clientSideKey)).toBeUndefined();
  expect(resolve(one.serverSideKey)?.slot).toBe(slotOfTwo);
});

it("while not all keys are known, an unknown one opens what is not loaded yet", () => {
  const { directory, resolve, slotOfOne } = makeDirectory();
  directory.setComplete(false);
  expect(resolve("client_three")).toMatchObject({ view: "client", slot: { current: null } });
  // One grant for all of them: who limits rates counts by grants.
  expect(resolve("client_four")).toBe(resolve("client_three"));
  expect(resolve(`ser.${"x".repeat(100)}`)).toMatchObject({ view: "server", slot: { current: null } });
  expect(resolve(one.clientSideKey)?.slot).toBe(slotOfOne);
  directory.setComplete(true);
  expect(resolve("client_three")).toBeUndefined();
});
