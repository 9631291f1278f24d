// Tests that a pattern is compiled once as long as anybody holds it, and kept no longer.

import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { sharedRegex } from "../../../src/engine/regex/shared-regex.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

it("gives all who ask for a pattern the same one", () => {
  const regex = sharedRegex("a+b");
  expect(sharedRegex("a+b")).toBe(regex);
  expect(sharedRegex("a+c")).not.toBe(regex);
});

it("keeps none that nobody holds, and compiles it again", async () => {
  const collected = new WeakRef(sharedRegex("no longer"));
  const held = sharedRegex("still");
  // What a WeakRef was asked for lives to the end of the turn.
  await sleep(0);
  collectGarbage();
  expect(collected.deref()).toBeUndefined();
  expect(sharedRegex("still")).toBe(held);
  // The release comes after the collection, and must not drop the one compiled since.
  const again = sharedRegex("no longer");
  await sleep(10);
  expect(sharedRegex("no longer")).toBe(again);
});
