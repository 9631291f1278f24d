/** Behind a write that failed on a full disk, what is archived is really there (reliability D1). */
import { join } from "node:path";
import { expect, it } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import { LastingArchive } from "../../../src/services/persistence/lasting-archive.ts";
import { documentText, feature } from "../../support/contract-documents.ts";
import { readText } from "../../support/packed-text.ts";
import { createRecordingLogger } from "../../support/test-app.ts";
import { canMount, mountDisk } from "../../support/tmpfs-disk.ts";

async function documentOf(value: string): Promise<SnapshotInput> {
  const packed = await readText(documentText({ features: [feature(1, "one", { value })] }));
  return { packed, lastModified: null, receivedAt: new Date(1000) };
}

/** Notes on a full disk until one fails: the last page of the log takes some. */
async function confirmUntilFull(archive: LastingArchive): Promise<void> {
  for (let note = 0; note < 1000; note += 1) await archive.confirm("e", new Date(2000));
}

it.skipIf(!canMount)("what is kept behind a write that failed is found by the next process", async () => {
  using disk = mountDisk("512k");
  const path = join(disk.path, "data");
  const { logger } = createRecordingLogger();
  const [first, second] = [await documentOf("first"), await documentOf("second")];
  await using archive = new LastingArchive(path, logger);
  await archive.keep("e", first);
  disk.fill();
  await expect(confirmUntilFull(archive)).rejects.toThrow(/No space left/);
  await expect(archive.keep("e", second)).rejects.toThrow();
  expect((await archive.find("e")).found?.document).toEqual(first);
  disk.empty();
  await archive.keep("e", second);
  await archive[Symbol.asyncDispose]();
  await using next = new LastingArchive(path, logger);
  expect((await next.find("e")).found?.document).toEqual(second);
});

it.skipIf(!canMount)("where a document has no room, nothing of it is written", async () => {
  using disk = mountDisk("512k");
  const { logger } = createRecordingLogger();
  const [first, second] = [await documentOf("first"), await documentOf("x".repeat(600_000))];
  await using archive = new LastingArchive(join(disk.path, "data"), logger);
  await archive.keep("e", first);
  for (let time = 0; time < 3; time += 1) {
    await expect(archive.keep("e", second)).rejects.toThrow(/are needed/);
  }
  await archive.keep("e", first);
  expect((await archive.find("e")).found?.document).toEqual(first);
});
