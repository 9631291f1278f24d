/** The store on a real disk: who may read it, and what is said where there is none (reliability D2, D3). */
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import {
  openDocumentStore,
  StoreUnavailableError,
} from "../../../src/services/persistence/document-store.ts";

const folder = mkdtempSync(join(tmpdir(), "document-store-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bytes = new Uint8Array([1, 2, 3]);

async function makeStore(path: string): Promise<void> {
  const { store } = await openDocumentStore(path);
  await store.put("key", bytes, { sync: true });
  await store.close();
}

it("what was written is there for the next process, and for nobody else", async () => {
  const path = join(folder, "deep", "store");
  await makeStore(path);
  const { store, setAside } = await openDocumentStore(path);
  expect([Uint8Array.from((await store.get("key")) ?? []), setAside]).toEqual([bytes, null]);
  const inner = join(path, "documents");
  for (const each of [path, inner]) expect(statSync(each).mode & 0o777).toBe(0o700);
  const modes = readdirSync(inner).map((name) => statSync(join(inner, name)).mode & 0o777);
  expect(new Set(modes)).toEqual(new Set([0o600]));
  await store.close();
});

it("a store that another one has open is told so", async () => {
  const path = join(folder, "owned");
  const { store } = await openDocumentStore(path);
  await expect(openDocumentStore(path)).rejects.toThrow(/Another process owns it/);
  await store.close();
});

it.each([
  ["a link", (path: string) => symlinkSync(folder, path), /links are not followed/],
  ["a file", (path: string) => writeFileSync(path, ""), /Set storage\.path to a folder/],
  ["a link to nothing", (path: string) => symlinkSync(join(folder, "nothing"), path), /storage\.path/],
])("%s is refused, with what to do", async (name, make, message) => {
  const path = join(folder, `refused ${name}`);
  make(path);
  const error = await openDocumentStore(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect((error as Error).message).toMatch(message);
});

it.skipIf(process.getuid?.() === 0)("a folder that may not be written is refused", async () => {
  const path = join(folder, "read-only");
  await makeStore(path);
  chmodSync(join(path, "documents"), 0o500);
  await expect(openDocumentStore(path)).rejects.toThrow(StoreUnavailableError);
});

it.each(["CURRENT", "MANIFEST-"])(
  "a store whose %s is damaged is set aside, and begun anew",
  async (prefix) => {
    const path = join(folder, `damaged ${prefix}`);
    await makeStore(path);
    const inner = join(path, "documents");
    const file = readdirSync(inner).find((name) => name.startsWith(prefix)) ?? "";
    writeFileSync(join(inner, file), "rubbish");
    const { store, setAside } = await openDocumentStore(path);
    expect(setAside).toBe(`${inner}.damaged`);
    expect(readdirSync(`${inner}.damaged`)).toContain(file);
    expect(await store.get("key")).toBeUndefined();
    await store.close();
  },
);
