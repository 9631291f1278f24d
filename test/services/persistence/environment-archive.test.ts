/** What becomes of archived environments that are removed, while a process runs and while none does. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { EnvironmentArchive } from "../../../src/services/persistence/environment-archive.ts";
import { documentText, feature } from "../../support/contract-documents.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { readText } from "../../support/packed-text.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

const packed = await readText(documentText({ features: [feature(1, "one")] }));
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Processes with one archive, one after the other, at times of one clock. */
function startRig() {
  const path = mkdtempSync(join(tmpdir(), "environment-archive-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  const clock = new FakeClock();
  const start = () => {
    const { logger, lines } = createRecordingLogger();
    const archive = new EnvironmentArchive({ path, clock, logger });
    const keep = (key: string) =>
      archive.keep(key, { packed, lastModified: null, receivedAt: clock.wallTime() });
    const has = async (key: string) => (await archive.find(key)) !== null;
    const removed = () =>
      lines.flatMap(({ fields }) => ("environments" in fields ? [fields["environments"]] : []));
    return { archive, lines, keep, has, removed };
  };
  return { clock, start };
}

/** Keeps documents of these environments, in a process of their own. */
async function leave({ start }: ReturnType<typeof startRig>, ...keys: readonly string[]): Promise<void> {
  const { archive, keep } = start();
  for (const key of keys) keep(key);
  await archive[Symbol.asyncDispose]();
}

it("those that nobody asks for are removed after thirty days, and no others", async () => {
  const rig = startRig();
  await leave(rig, "served", "waiting", "removed", "removed too");
  rig.clock.pass(20 * dayMs);
  await leave(rig, "removed lately");
  rig.clock.pass(11 * dayMs);
  const { archive, has, removed } = rig.start();
  expect([await has("served"), await has("waiting")]).toEqual([true, true]);
  archive.confirm("served");
  rig.clock.pass(hourMs);
  archive.confirm("served");
  await expect.poll(removed).toEqual([2]);
  await archive[Symbol.asyncDispose]();
  const next = rig.start();
  const keys = ["served", "waiting", "removed lately", "removed", "removed too"];
  const found = await Promise.all(keys.map(next.has));
  expect(found).toEqual([true, true, true, false, false]);
  await next.archive[Symbol.asyncDispose]();
});

it("a process that runs for long looks again, and keeps what else is in the store", async () => {
  const rig = startRig();
  await leave(rig, "removed");
  rig.clock.pass(5 * dayMs);
  await leave(rig, "removed later");
  const { archive, removed } = rig.start();
  await archive.records.write("@usage", new Uint8Array(1));
  rig.clock.pass(26 * dayMs);
  archive.confirm("served");
  await expect.poll(removed).toEqual([1]);
  rig.clock.pass(5 * dayMs);
  archive.confirm("served");
  await expect.poll(removed).toEqual([1, 1]);
  expect(await archive.records.read("@usage")).toHaveLength(1);
  await archive[Symbol.asyncDispose]();
});

it("a process that ends while the archive is being opened warns of nothing", async () => {
  const { archive, lines } = startRig().start();
  await archive[Symbol.asyncDispose]();
  // What comes of the opening comes behind the end.
  await expect(archive.records.read("@usage")).resolves.toBeUndefined();
  expect(lines).toEqual([]);
});

it("one that comes back at once does not find what is still to be removed of it", async () => {
  const rig = startRig();
  await leave(rig, "removed");
  const { archive, has, keep } = rig.start();
  expect(await has("removed")).toBe(true);
  archive.forget("removed");
  expect(await has("removed")).toBe(false);
  keep("removed");
  await expect.poll(() => has("removed")).toBe(true);
  await archive[Symbol.asyncDispose]();
});
