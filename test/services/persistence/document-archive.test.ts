/** What is archived is found again, whole or not at all (reliability D3, D4). */
import { expect, it } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import { DocumentArchive } from "../../../src/services/persistence/document-archive.ts";
import { documentText, feature } from "../../support/contract-documents.ts";
import { MemoryStore, twinsIn } from "../../support/memory-store.ts";
import { readText } from "../../support/packed-text.ts";

async function documentOf(value: string, lastModified: string | null = null): Promise<SnapshotInput> {
  const packed = await readText(documentText({ features: [feature(1, "one", { value })] }));
  return { packed, lastModified, receivedAt: new Date(1000) };
}

const archiveIn = (store: MemoryStore) => new DocumentArchive(twinsIn(store));

/** More than one piece. */
const long = await documentOf("x".repeat(600_000), "Thu, 18 Apr 2024 08:16:20 GMT");
const [first, second] = [await documentOf("first"), await documentOf("second")];

async function foundIn(store: MemoryStore, environment = "e") {
  const { found, refusals } = await archiveIn(store).find(environment);
  return { document: found?.document ?? null, isPacked: found?.isPacked, refusals };
}

it("a document is found as it was kept", async () => {
  const store = new MemoryStore();
  await archiveIn(store).keep("e", long);
  expect(await foundIn(store)).toEqual({ document: long, isPacked: true, refusals: [] });
  expect((await foundIn(store, "other")).document).toBeNull();
});

it("the youngest is found, and two are kept", async () => {
  const store = new MemoryStore();
  const archive = archiveIn(store);
  for (const document of [long, first, second]) await archive.keep("e", document);
  expect((await foundIn(store)).document).toEqual(second);
  expect(store.keys().filter((key) => key.endsWith("head"))).toHaveLength(2);
  const piecesOf = (generation: string) => store.keys().filter((key) => key.startsWith(`${generation}:e!0`));
  expect(piecesOf("a")).toHaveLength(piecesOf("b").length);
});

it("wherever a write is cut short, a whole document is found", async () => {
  const whole = new MemoryStore();
  await archiveIn(whole).keep("e", first);
  await archiveIn(whole).keep("e", second);
  const writes = new MemoryStore(whole);
  await archiveIn(writes).keep("e", long);
  expect(writes.writes).toBeGreaterThan(5);
  for (let kept = 0; kept < writes.writes; kept += 1) {
    const cut = new MemoryStore(whole, kept);
    await expect(archiveIn(cut).keep("e", long)).rejects.toThrow("no more");
    const { document } = await foundIn(new MemoryStore(cut));
    // The last write notes that the document is there.
    expect(document).toEqual(kept === writes.writes - 1 ? long : second);
  }
});

it("no changed bit is overlooked, and the older document stands in", async () => {
  const store = new MemoryStore();
  await archiveIn(store).keep("e", first);
  await archiveIn(store).keep("e", second);
  const young = store.keys().filter((key) => /^b:e!(head|0)/.test(key));
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
  await archiveIn(kept).keep("e", long);
  for (const bytes of [undefined, new Uint8Array(), new Uint8Array(10), new Uint8Array(300_000)]) {
    const damaged = new MemoryStore(kept);
    if (bytes === undefined) await damaged.del("a:e!000001");
    else await damaged.put("a:e!000001", bytes);
    const { document, refusals } = await foundIn(damaged);
    expect([document, refusals.length]).toEqual([null, 1]);
  }
});

it("a document that was confirmed is as old as that", async () => {
  const archive = archiveIn(new MemoryStore());
  await archive.keep("e", first);
  expect((await archive.find("e")).found?.confirmedAt).toEqual(new Date(1000));
  await archive.confirm("e", new Date(5000));
  expect((await archive.find("e")).found?.confirmedAt).toEqual(new Date(5000));
});

it("a store that lost everything, or its last entry, is told, and the other one stands in", async () => {
  const store = new MemoryStore();
  await archiveIn(store).keep("e", first);
  await archiveIn(store).keep("e", second);
  for (const lost of [/^b:/, /^b:e!head/]) {
    const left = new MemoryStore(store);
    for (const key of left.keys().filter((each) => lost.test(each))) await left.del(key);
    expect(await foundIn(left)).toEqual({ document: first, isPacked: true, refusals: ["it is lost"] });
    await archiveIn(left).keep("e", long);
    expect(await foundIn(left)).toEqual({ document: long, isPacked: true, refusals: [] });
  }
  const older = new MemoryStore(store);
  for (const key of older.keys().filter((each) => each.startsWith("a:"))) await older.del(key);
  expect(await foundIn(older)).toEqual({ document: second, isPacked: true, refusals: [] });
});

it("what was refused is written over first, so that the one that stands in stays", async () => {
  const store = new MemoryStore();
  await archiveIn(store).keep("e", first);
  await archiveIn(store).keep("e", second);
  await store.put("b:e!000000", new Uint8Array(3));
  expect((await foundIn(store)).document).toEqual(first);
  const cut = new MemoryStore(store, 3);
  await expect(archiveIn(cut).keep("e", long)).rejects.toThrow("no more");
  expect((await foundIn(new MemoryStore(cut))).document).toEqual(first);
});

it("the older one is found also where the refused one cannot be removed", async () => {
  const store = new MemoryStore();
  await archiveIn(store).keep("e", first);
  await archiveIn(store).keep("e", second);
  await store.put("b:e!000000", new Uint8Array(3));
  expect((await foundIn(new MemoryStore(store, 0))).document).toEqual(first);
});

it("the entry of another environment is refused", async () => {
  const store = new MemoryStore();
  await archiveIn(store).keep("other", first);
  for (const key of store.keys()) {
    await store.put(key.replace("other", "e"), store.bytesOf(key) ?? new Uint8Array());
  }
  expect(await foundIn(store)).toMatchObject({ document: null, refusals: ["it is another environment's"] });
});

it("a store that cannot read an entry is told, and the other one stands in", async () => {
  const store = new MemoryStore();
  await archiveIn(store).keep("e", first);
  await archiveIn(store).keep("e", second);
  const twins = twinsIn(store);
  const failing = { ...twins.b, getMany: () => Promise.reject(new Error("block checksum mismatch")) };
  const { found, refusals } = await new DocumentArchive({ ...twins, b: failing }).find("e");
  expect([found?.document, refusals]).toEqual([first, ["it cannot be read (block checksum mismatch)"]]);
});
