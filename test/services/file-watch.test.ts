/** A change of a file is noticed, however it is made; one that is not at rest is let settle. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { FileWatch } from "../../src/services/file-watch.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

/** Watches with a clock that the test moves; states are the test's, or those of real files. */
function watch(paths: () => readonly string[], stateOf?: (path: string) => Promise<string>) {
  const clock = new FakeClock();
  const seen = { changes: 0 };
  const onChange = () => {
    seen.changes += 1;
  };
  const watching = new FileWatch({ paths, onChange, clock, ...(stateOf === undefined ? {} : { stateOf }) });
  onTestFinished(() => watching[Symbol.dispose]());
  return { clock, seen, watching };
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "file-watch-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Time passes, in steps that leave real files time to be looked at. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 50) {
    await clock.advance(50);
    await new Promise((resolve) => setTimeout(resolve, 2));
    await settle();
  }
}

/** What a state is at each time of the clock. */
const scripted = (states: Record<string, string>) => async (path: string) => states[path] ?? "ENOENT";

it("tells of a change once, after it has rested, and first of all once", async () => {
  const states = { a: "1" };
  const { clock, seen } = watch(() => ["a"], scripted(states));
  await clock.advance(1249);
  expect(seen.changes).toBe(0);
  await clock.advance(1);
  expect(seen.changes).toBe(1);
  await clock.advance(60_000);
  expect(seen.changes).toBe(1);
  states.a = "2";
  await clock.advance(1250);
  expect(seen.changes).toBe(2);
  await clock.advance(60_000);
  expect(seen.changes).toBe(2);
});

it("waits for a file that is being written, but not for ever", async () => {
  const states = { a: "1" };
  const { clock, seen } = watch(() => ["a"], scripted(states));
  await clock.advance(2000);
  expect(seen.changes).toBe(1);
  for (let step = 0; step < 12; step += 1) {
    states.a = `writing ${step}`;
    await clock.advance(250);
  }
  expect(seen.changes).toBe(1);
  await clock.advance(500);
  expect(seen.changes).toBe(2);
  for (let step = 0; step < 40; step += 1) {
    states.a = `writing for ever ${step}`;
    await clock.advance(250);
  }
  expect(seen.changes).toBe(3);
});

it("looks at the files that are to be watched at that time, and at none while there are none", async () => {
  const asked: string[] = [];
  let paths: readonly string[] = ["a"];
  const { clock, seen } = watch(
    () => paths,
    async (path) => {
      asked.push(path);
      return "1";
    },
  );
  await clock.advance(2000);
  paths = ["a", "b"];
  await clock.advance(2000);
  expect(seen.changes).toBe(2);
  expect(asked).toContain("b");
  paths = [];
  await clock.advance(2000);
  asked.length = 0;
  await clock.advance(10_000);
  expect(asked).toEqual([]);
});

it("says nothing once it is disposed of", async () => {
  const states = { a: "1" };
  const { clock, seen, watching } = watch(() => ["a"], scripted(states));
  await clock.advance(2000);
  states.a = "2";
  await clock.advance(300);
  watching[Symbol.dispose]();
  await clock.advance(10_000);
  expect(seen.changes).toBe(1);
  expect(clock.sleepers).toBe(0);
});

const ways: readonly (readonly [string, (folder: string, file: string) => void])[] = [
  ["written in place", (_, file) => writeFileSync(file, "other")],
  ["written in place with text of the same length and time", replaceUnseen],
  ["replaced by a rename", replaceByRename],
  ["removed", (_, file) => rmSync(file)],
  ["hidden behind a link that is set anew", swapLinks],
];

const longAgo = new Date(0);

function replaceUnseen(_: string, file: string): void {
  writeFileSync(file, "two");
  utimesSync(file, longAgo, longAgo);
}

function replaceByRename(folder: string, file: string): void {
  writeFileSync(join(folder, "next"), "one");
  renameSync(join(folder, "next"), file);
}

/** As Kubernetes does: the folder that all files are links into is a link itself, and is replaced. */
function swapLinks(folder: string): void {
  mkdirSync(join(folder, "..later"));
  writeFileSync(join(folder, "..later/file"), "one");
  symlinkSync("..later", join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
}

it.each(ways)("notices a file that is %s", async (_, change) => {
  const folder = makeFolder();
  mkdirSync(join(folder, "..first"));
  writeFileSync(join(folder, "..first/file"), "one");
  symlinkSync("..first", join(folder, "..data"));
  symlinkSync("..data/file", join(folder, "linked"));
  writeFileSync(join(folder, "plain"), "one");
  utimesSync(join(folder, "plain"), longAgo, longAgo);
  const file = join(folder, change === swapLinks ? "linked" : "plain");
  const { clock, seen } = watch(() => [file]);
  await pass(clock, 2500);
  expect(seen.changes).toBe(1);
  change(folder, file);
  await pass(clock, 2500);
  expect(seen.changes).toBe(2);
});

it("notices a file that comes late", async () => {
  const file = join(makeFolder(), "late");
  const { clock, seen } = watch(() => [file]);
  await pass(clock, 2500);
  writeFileSync(file, "one");
  await pass(clock, 2500);
  expect(seen.changes).toBe(2);
});
