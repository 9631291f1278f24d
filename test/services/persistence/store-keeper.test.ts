/** Stores on a real disk: who may read them, and what is said where there are none (reliability D2, D3). */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { StoreUnavailableError } from "../../../src/services/persistence/store-errors.ts";
import { StoreKeeper } from "../../../src/services/persistence/store-keeper.ts";
import type { StoreOpening } from "../../../src/services/persistence/store-orders.ts";

const folder = mkdtempSync(join(tmpdir(), "store-keeper-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
// As the program has it.
process.umask(0o077);

const value = new Uint8Array([1, 2, 3]);
const whole: StoreOpening = { isRepaired: false, setAside: null };

async function open(path: string, isDamaged = false) {
  const keeper = new StoreKeeper();
  await keeper.take({ kind: "begin", path, isCopy: false });
  const opening = await keeper.take({ kind: "open", store: "a", isDamaged });
  const get = async () => {
    const [found] = (await keeper.take({ kind: "get", store: "a", keys: ["key"] })) as (
      | Uint8Array
      | undefined
    )[];
    return found === undefined ? null : Uint8Array.from(found);
  };
  return { keeper, opening, get, close: () => keeper.take({ kind: "close" }) };
}

async function makeStore(path: string): Promise<string> {
  const { keeper, close } = await open(path);
  await keeper.take({ kind: "put", store: "a", key: "key", value, sync: true });
  await close();
  return join(path, "documents", "a");
}

it("what was written is there for the next process, and for nobody else", async () => {
  const path = join(folder, "deep", "store");
  const inner = await makeStore(path);
  const { opening, get, close } = await open(path);
  expect([await get(), opening]).toEqual([value, whole]);
  for (const each of [path, join(path, "documents"), inner]) expect(statSync(each).mode & 0o777).toBe(0o700);
  const modes = readdirSync(inner).map((name) => statSync(join(inner, name)).mode & 0o777);
  expect(new Set(modes)).toEqual(new Set([0o600]));
  await close();
});

it("a store that another one has open is told so", async () => {
  const path = join(folder, "owned");
  const { close } = await open(path);
  await expect(open(path)).rejects.toThrow(/Another process owns it/);
  await close();
});

it.each([
  ["a link", (path: string) => symlinkSync(folder, path), /links are not followed/],
  ["a file", (path: string) => writeFileSync(path, ""), /Set storage\.path to a folder/],
  ["a link to nothing", (path: string) => symlinkSync(join(folder, "nothing"), path), /storage\.path/],
])("%s is refused, with what to do, and so are its folders", async (name, make, message) => {
  for (const inner of ["", "documents", "documents/a"]) {
    const path = join(folder, `refused ${name} ${inner.replace("/", " ")}`);
    mkdirSync(join(path, inner, ".."), { recursive: true });
    make(join(path, inner));
    const error = await open(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect((error as Error).message).toMatch(message);
  }
});

it.skipIf(process.getuid?.() === 0)("a folder that may not be written is refused", async () => {
  const path = join(folder, "read-only");
  chmodSync(await makeStore(path), 0o500);
  await expect(open(path)).rejects.toThrow(StoreUnavailableError);
});

const file = (inner: string, prefix: string) =>
  join(inner, readdirSync(inner).find((name) => name.startsWith(prefix)) ?? "none");

it.each([
  ["CURRENT is rubbish", (inner: string) => writeFileSync(file(inner, "CURRENT"), "rubbish")],
  ["CURRENT is empty", (inner: string) => truncateSync(file(inner, "CURRENT"), 0)],
  ["CURRENT is gone", (inner: string) => rmSync(file(inner, "CURRENT"))],
  ["MANIFEST is rubbish", (inner: string) => writeFileSync(file(inner, "MANIFEST-"), "rubbish")],
  ["MANIFEST is half", (inner: string) => truncateSync(file(inner, "MANIFEST-"), 20)],
  ["MANIFEST is gone", (inner: string) => rmSync(file(inner, "MANIFEST-"))],
])("a store whose %s is repaired", async (name, damage) => {
  const path = join(folder, name);
  damage(await makeStore(path));
  const { opening, get, close } = await open(path);
  expect([opening, await get()]).toEqual([{ isRepaired: true, setAside: null }, value]);
  await close();
});

it("a store that cannot be repaired, or has ended a process, is set aside and begun anew", async () => {
  for (const isDamaged of [false, true]) {
    const path = join(folder, `beyond repair ${isDamaged}`);
    const inner = await makeStore(path);
    if (!isDamaged) {
      rmSync(join(inner, "LOCK"));
      mkdirSync(join(inner, "LOCK"));
    }
    const { opening, get, close } = await open(path, isDamaged);
    expect([opening, await get()]).toEqual([{ isRepaired: false, setAside: `${inner}.damaged` }, null]);
    expect(readdirSync(`${inner}.damaged`)).toContain("CURRENT");
    await close();
  }
});

it("a folder that is removed or replaced while it is open is not written to", async () => {
  const path = join(folder, "vanishes");
  const { keeper, close } = await open(path);
  const put = () => keeper.take({ kind: "put", store: "a", key: "key", value, sync: false });
  await put();
  rmSync(join(path, "documents"), { recursive: true });
  await expect(put()).rejects.toThrow("was removed or replaced");
  await close();
});
