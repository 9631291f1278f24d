/** What the disk does to the archive, and what is really there afterwards (reliability D1 to D3). */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import { LastingArchive } from "../../../src/services/persistence/lasting-archive.ts";
import { documentText, feature } from "../../support/contract-documents.ts";
import { readText } from "../../support/packed-text.ts";
import { createRecordingLogger } from "../../support/test-app.ts";
import { canMount, mountDisk } from "../../support/tmpfs-disk.ts";
import { childrenOf } from "../../support/worker-processes.ts";

async function documentOf(value: string): Promise<SnapshotInput> {
  const packed = await readText(documentText({ features: [feature(1, "one", { value })] }));
  return { packed, lastModified: null, receivedAt: new Date(1000) };
}

const [first, second, third] = [
  await documentOf("first"),
  await documentOf("second"),
  await documentOf("third"),
];
const long = await documentOf("x".repeat(600_000));

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lasting-archive-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @param orderMsMax how long the disk may take */
function startArchive(path: string, orderMsMax?: number) {
  const { logger, lines } = createRecordingLogger();
  const archive = new LastingArchive(path, logger, orderMsMax);
  onTestFinished(() => archive.giveUp());
  const found = async () => (await archive.find("e")).found?.document ?? null;
  return { archive, lines, found };
}

/** Notes on a full disk until one fails: the last page of the log takes some. */
async function confirmUntilFull(archive: LastingArchive): Promise<void> {
  for (let count = 0; count < 1000; count += 1) await archive.confirm("e", new Date(2000));
}

it.skipIf(!canMount)("what is kept behind a write that failed is found by the next process", async () => {
  using disk = mountDisk("512k");
  const path = join(disk.path, "data");
  const { archive, found } = startArchive(path);
  await archive.keep("e", first);
  disk.fill();
  await expect(confirmUntilFull(archive)).rejects.toThrow(/No space left/);
  await expect(archive.keep("e", second)).rejects.toThrow();
  expect(await found()).toEqual(first);
  disk.empty();
  await archive.keep("e", second);
  await archive.close();
  const next = startArchive(path);
  expect(await next.found()).toEqual(second);
  await next.archive.close();
});

it.skipIf(!canMount)("where a document has no room, nothing of it is written", async () => {
  using disk = mountDisk("512k");
  const { archive, found } = startArchive(join(disk.path, "data"));
  await archive.keep("e", first);
  for (let time = 0; time < 3; time += 1) {
    await expect(archive.keep("e", long)).rejects.toThrow(/are needed/);
  }
  await archive.keep("e", first);
  expect(await found()).toEqual(first);
  await archive.close();
});

it("whatever file of one store is damaged, a whole document is found, and the reason told", async () => {
  const path = tempFolder();
  {
    const { archive } = startArchive(path);
    await archive.keep("e", first);
    await archive.keep("e", second);
    await archive.close();
    // Opened anew, LevelDB has written its log into tables.
    const again = startArchive(path);
    await again.archive.confirm("e", new Date(3000));
    await again.archive.close();
  }
  const inner = join(path, "documents", "b");
  const names = readdirSync(inner).filter((name) => /^(?:CURRENT|MANIFEST-.*|.*\.(?:ldb|log))$/.test(name));
  expect(names.length).toBeGreaterThan(3);
  const damaged = tempFolder();
  for (const name of names) {
    const bytes = readFileSync(join(inner, name));
    // The end of a table is what LevelDB trusts most: flips there have ended its process.
    const places = [0.1, 0.5, 0.9, 0.97, 0.99, 0.995].map((share) => Math.floor(share * bytes.length));
    for (const place of bytes.length === 0 ? [] : places) {
      rmSync(damaged, { recursive: true, force: true });
      cpSync(path, damaged, { recursive: true });
      const flipped = Uint8Array.from(bytes);
      flipped[place] = (flipped[place] ?? 0) ^ 64;
      writeFileSync(join(damaged, "documents", "b", name), flipped);
      const { archive, lines } = startArchive(damaged);
      const { found, refusals } = await archive.find("e");
      const digest = found?.document.packed.digest;
      expect([name, place, [first.packed.digest, second.packed.digest].includes(digest ?? "")]).toEqual([
        name,
        place,
        true,
      ]);
      if (digest === first.packed.digest) expect(refusals.length + lines.length).toBeGreaterThan(0);
      await archive.keep("e", third);
      await archive.close();
      const next = startArchive(damaged);
      expect(await next.found()).toEqual(third);
      await next.archive.close();
    }
  }
});

it("a process that is killed is started again, and so is one that hangs, once it has gone", async () => {
  const path = tempFolder();
  const { archive, found } = startArchive(path, 1000);
  const before = new Set(childrenOf(process.pid));
  await archive.keep("e", first);
  const [keeper] = childrenOf(process.pid).filter((pid) => !before.has(pid));
  process.kill(keeper as number, "SIGKILL");
  expect(await found()).toEqual(first);
  const [another] = childrenOf(process.pid).filter((pid) => !before.has(pid));
  execFileSync("kill", ["-STOP", String(another)]);
  await expect(archive.keep("e", second)).rejects.toThrow("does not answer");
  expect(await found()).toEqual(first);
  await archive.keep("e", second);
  expect(await found()).toEqual(second);
  await archive.close();
  expect(childrenOf(process.pid).filter((pid) => !before.has(pid))).toEqual([]);
});

it("what another process owns is read from a copy, and taken over when that one has ended", async () => {
  const path = tempFolder();
  const owner = startArchive(path);
  await owner.archive.keep("e", first);
  const next = startArchive(path);
  expect(await next.found()).toEqual(first);
  await expect(next.archive.keep("e", second)).rejects.toThrow("Another process owns it");
  const record = new Uint8Array([1]);
  await owner.archive.put("@one", record);
  await expect(next.archive.get("@one", false)).rejects.toThrow("Another process owns it");
  await owner.archive.close();
  expect(Uint8Array.from((await next.archive.get("@one", false)) ?? [])).toEqual(record);
  await next.archive.keep("e", second);
  expect(await next.found()).toEqual(second);
  await next.archive.close();
});

it("a folder that is removed while it is open is made anew", async () => {
  const path = tempFolder();
  const { archive, found } = startArchive(path);
  await archive.keep("e", first);
  rmSync(join(path, "documents"), { recursive: true });
  await expect(archive.confirm("e", new Date(2000))).rejects.toThrow("was removed or replaced");
  expect(await archive.confirm("e", new Date(2000))).toBe(false);
  await archive.keep("e", first);
  await archive.close();
  const next = startArchive(path);
  expect(await next.found()).toEqual(first);
  expect(await found().catch((error: Error) => error.message)).toContain("ending");
  await next.archive.close();
});
