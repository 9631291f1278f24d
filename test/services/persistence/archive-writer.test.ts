/** A document that could not be archived is tried again, and told once (reliability D1, D2). */
import { expect, it } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import { ArchiveWriter, confirmedEveryMs } from "../../../src/services/persistence/archive-writer.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

const document = { lastModified: "one" } as SnapshotInput;
const younger = { lastModified: "two" } as SnapshotInput;

function startWriter() {
  const clock = new FakeClock();
  const { logger, lines } = createRecordingLogger();
  const disk = { isFull: true, isLost: false, kept: [] as SnapshotInput[], confirmed: 0 };
  const archive = {
    keep: async (_environment: string, kept: SnapshotInput) => {
      if (disk.isFull) throw new Error("No space left on device");
      disk.kept.push(kept);
    },
    confirm: async () => {
      disk.confirmed += 1;
      return !disk.isLost;
    },
    forget: async () => void disk.kept.splice(0),
  };
  return { clock, disk, lines, writer: new ArchiveWriter({ archive, clock, logger }) };
}

it("one that could not be written is tried again when it has been confirmed for a while", async () => {
  const { clock, disk, lines, writer } = startWriter();
  writer.keep("e", document);
  writer.keep("e", younger);
  await writer.settled();
  for (let minute = 0; minute < 3; minute += 1) {
    clock.pass(confirmedEveryMs);
    writer.confirm("e");
    await writer.settled();
  }
  expect([disk.kept, disk.confirmed, lines.length]).toEqual([[], 0, 1]);
  disk.isFull = false;
  clock.pass(confirmedEveryMs - 1);
  writer.confirm("e");
  await writer.settled();
  expect(disk.kept).toEqual([]);
  clock.pass(1);
  writer.confirm("e");
  await writer.settled();
  expect(disk.kept).toEqual([younger]);
  expect(lines.map(({ message }) => message)).toEqual([
    expect.stringContaining("Documents are not archived"),
    "Documents are archived again",
  ]);
  clock.pass(confirmedEveryMs);
  writer.confirm("e");
  expect([disk.kept.length, disk.confirmed]).toEqual([1, 1]);
});

it("what could not be written of an environment that is gone is not tried again", async () => {
  const { clock, disk, writer } = startWriter();
  writer.keep("e", document);
  await writer.settled();
  writer.forget("e");
  await writer.settled();
  disk.isFull = false;
  clock.pass(confirmedEveryMs);
  writer.confirm("e");
  await writer.settled();
  expect(disk.kept).toEqual([]);
});

it.each(["e", "busy"])("nothing stays of one that is gone where %s is written meanwhile", async (busy) => {
  const { disk, writer } = startWriter();
  disk.isFull = false;
  writer.keep("e", document);
  await writer.settled();
  writer.keep(busy, document);
  writer.forget("e");
  writer.keep("e", younger);
  expect(writer.isForgetting("e")).toBe(true);
  await writer.settled();
  expect([disk.kept, writer.isForgetting("e")]).toEqual([[younger], false]);
});

it("an environment is forgotten once its removal has ended, whatever is written before", async () => {
  const writes: PromiseWithResolvers<void>[] = [];
  const write = () => {
    writes.push(Promise.withResolvers<void>());
    return writes.at(-1)?.promise ?? Promise.resolve();
  };
  const { logger } = createRecordingLogger();
  const archive = { keep: write, confirm: async () => true, forget: write };
  const writer = new ArchiveWriter({ archive, clock: new FakeClock(), logger });
  writer.keep("e", document);
  writer.forget("e");
  writes[0]?.resolve();
  await new Promise(setImmediate);
  expect([writes.length, writer.isForgetting("e")]).toEqual([2, true]);
  writes[1]?.resolve();
  await writer.settled();
  expect(writer.isForgetting("e")).toBe(false);
});

it.each(["kept", "found"] as const)(
  "one that was %s is written again where the disk has lost it",
  async (how) => {
    const { clock, disk, lines, writer } = startWriter();
    disk.isFull = false;
    if (how === "kept") writer.keep("e", document);
    else writer.found("e", document);
    await writer.settled();
    const before = disk.kept.length;
    for (const isLost of [false, true, false]) {
      disk.isLost = isLost;
      clock.pass(confirmedEveryMs);
      writer.confirm("e");
      await new Promise(setImmediate);
    }
    expect(disk.kept.slice(before)).toEqual([document]);
    expect(lines).toEqual([]);
  },
);

it("a note that finds nothing to note brings back nobody who is to be forgotten", async () => {
  const { clock, disk, writer } = startWriter();
  disk.isFull = false;
  writer.keep("e", document);
  await writer.settled();
  disk.isLost = true;
  clock.pass(confirmedEveryMs);
  // While another one is being written.
  writer.keep("f", younger);
  writer.confirm("e");
  writer.forget("e");
  await writer.settled();
  expect(disk.kept).toEqual([]);
});

it("notes that could not be written are told once, and again when they can be", async () => {
  const { clock, lines, writer } = startWriter();
  const times = (count: number) => Array.from({ length: count });
  writer.failed(new Error("gone"));
  for (const _ of times(2)) {
    clock.pass(confirmedEveryMs);
    writer.confirm("other");
    await new Promise(setImmediate);
  }
  expect(lines.map(({ level }) => level)).toEqual(["warn", "info"]);
});
