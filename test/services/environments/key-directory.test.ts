/** Keys open what they are for, and nothing else does, whatever it looks like. */
import { expect, it } from "vitest";
import { KeyDirectory } from "../../../src/services/environments/key-directory.ts";

const one = { clientSideKey: "client_one", serverSideKey: "ser.one_longer" };
const two = { clientSideKey: "client_two", serverSideKey: "ser.two" };

function makeDirectory() {
  const directory = new KeyDirectory();
  const [slotOfOne, slotOfTwo] = [{ current: null }, { current: null }];
  directory.add(one, slotOfOne);
  directory.add(two, slotOfTwo);
  return { resolve: directory.resolve, slotOfOne, slotOfTwo };
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
