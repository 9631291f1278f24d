/** What is archived is found again, whole or not at all (reliability D3, D4). */
import { expect, it } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import { DocumentArchive } from "../../../src/services/persistence/document-archive.ts";
import { documentText, feature } from "../../support/contract-documents.ts";
import { MemoryStore } from "../../support/memory-store.ts";
import { readText } from "../../support/packed-text.ts";

async function documentOf(value: string, lastModified: string | null = null): Promise<SnapshotInput> {
  const packed = await readText(documentText({ features: [feature(1, "one", { value })] }));
  return { packed, lastModified, receivedAt: new Date(1000) };
}

/** More than one piece. */
const long = await documentOf("x".repeat(600_000), "Thu, 18 Apr 2024 08:16:20 GMT");
const [first, second] = [await documentOf("first"), await documentOf("second")];

async function foundIn(store: MemoryStore, environment = "e") {
  const { found, refusals } = await new DocumentArchive(store).find(environment);
  return { document: found?.document ?? null, isPacked: found?.isPacked, refusals };
}

it("a document is found as it was kept", async () => {
  const store = new MemoryStore();
  await new DocumentArchive(store).keep("e", long);
  expect(await foundIn(store)).toEqual({ document: long, isPacked: true, refusals: [] });
  expect((await foundIn(store, "other")).document).toBeNull();
});

it("the youngest is found, and two are kept", async () => {
  const store = new MemoryStore();
  const archive = new DocumentArchive(store);
  for (const document of [long, first, second]) await archive.keep("e", document);
  expect((await foundIn(store)).document).toEqual(second);
  expect(store.keys().filter((key) => key.endsWith("head"))).toHaveLength(2);
  const piecesOf = (generation: string) => store.keys().filter((key) => key.startsWith(`e!${generation}!`));
  expect(piecesOf("a")).toHaveLength(piecesOf("b").length);
});

it("wherever a write is cut short, a whole document is found", async () => {
  const whole = new MemoryStore();
  await new DocumentArchive(whole).keep("e", first);
  await new DocumentArchive(whole).keep("e", second);
  const writes = new MemoryStore(whole);
  await new DocumentArchive(writes).keep("e", long);
  expect(writes.writes).toBeGreaterThan(5);
  for (let kept = 0; kept < writes.writes; kept += 1) {
    const cut = new MemoryStore(whole, kept);
    await expect(new DocumentArchive(cut).keep("e", long)).rejects.toThrow("no more");
    const { document } = await foundIn(new MemoryStore(cut));
    expect(document).toEqual(second);
  }
});

it("no changed bit is overlooked, and the older document stands in", async () => {
  const store = new MemoryStore();
  await new DocumentArchive(store).keep("e", first);
  await new DocumentArchive(store).keep("e", second);
  const young = store.keys().filter((key) => key.startsWith("e!b!"));
  expect(young.length).toBeGreaterThan(1);
  for (const key of young) {
    for (let at = 0; at < (store.bytesOf(key)?.byteLength ?? 0); at += 7) {
      const damaged = new MemoryStore(store);
      const bytes = Uint8Array.from(damaged.bytesOf(key) ?? []);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      await damaged.put(key, bytes);
      const { document, refusals } = await foundIn(damaged);
      expect([key, at, document?.packed.digest, refusals.length]).toEqual([key, at, first.packed.digest, 1]);
    }
  }
});

it("a piece that is missing, short or empty is told, and so is damage to both", async () => {
  const kept = new MemoryStore();
  await new DocumentArchive(kept).keep("e", long);
  for (const bytes of [undefined, new Uint8Array(), new Uint8Array(10), new Uint8Array(300_000)]) {
    const damaged = new MemoryStore(kept);
    if (bytes === undefined) await damaged.del("e!a!000001");
    else await damaged.put("e!a!000001", bytes);
    const { document, refusals } = await foundIn(damaged);
    expect([document, refusals.length]).toEqual([null, 1]);
  }
});

it("a document that was confirmed is as old as that", async () => {
  const archive = new DocumentArchive(new MemoryStore());
  await archive.keep("e", first);
  expect((await archive.find("e")).found?.confirmedAt).toEqual(new Date(1000));
  await archive.confirm("e", new Date(5000));
  expect((await archive.find("e")).found?.confirmedAt).toEqual(new Date(5000));
});
