/** That what became garbage is collected soon, in a process of its own, since no other collects by itself. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const module = JSON.stringify(new URL("../../src/services/garbage-collection.ts", import.meta.url).href);

/** @returns whether ten megabytes were collected by so many looks, after word of so many bytes of garbage */
async function isCollected(bytes: number, looks: number): Promise<boolean> {
  const script = `
    import { setTimeout as sleep } from "node:timers/promises";
    import { collectSoon } from ${module};
    const makeGarbage = () => new WeakRef(new Uint8Array(10_000_000));
    const garbage = makeGarbage();
    collectSoon(${bytes});
    for (let turn = 0; turn < ${looks} && garbage.deref() !== undefined; turn += 1) await sleep(20);
    process.stdout.write(String(garbage.deref() === undefined));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  return stdout === "true";
}

test("much garbage is collected soon, where a little would lie for as long as nothing happens", async () => {
  expect(await isCollected(10_000_000, 1000)).toBe(true);
  expect(await isCollected(1000, 50)).toBe(false);
});

test("where there is no address space for the sign, the process goes on", async () => {
  const script = `
    import { collectSoon } from ${module};
    globalThis.ArrayBuffer = class { constructor() { throw new RangeError("no memory"); } };
    collectSoon(10_000_000);
    setTimeout(() => process.stdout.write("alive"), 20);
  `;
  const words = ["--input-type=module", "--eval", script];
  expect((await promisify(execFile)(process.execPath, words)).stdout).toBe("alive");
});
