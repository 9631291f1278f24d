/**
 * Opens the stores of an archive and works on them, in a process of its own: LevelDB ends its process where a
 * damaged file breaks what it takes for granted, and a disk that hangs holds up whoever asks it.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import type { StoreName } from "./document-store.ts";
import { copyStores } from "./store-copy.ts";
import { StoreUnavailableError } from "./store-errors.ts";
import type { StoreOpening, StoreOrder } from "./store-orders.ts";

/** Pieces are written as they come, and read once: buffers for more would only take memory. */
const openOptions = { writeBufferSize: 1_048_576, cacheSize: 65_536, maxOpenFiles: 32 };

interface OpenStore {
  readonly level: ClassicLevel<string, Uint8Array>;
  readonly folder: string;
  /** Of a file that is there as long as the store is. */
  readonly inode: number;
}

/** The folder of the stores below `path`. */
function storesFolder(path: string): string {
  return join(path, "documents");
}

/** Takes the orders of one archive. */
export class StoreKeeper {
  readonly #stores = new Map<StoreName, OpenStore>();
  #path = "";
  #folder = "";
  /** The folder of a copy, which goes with this process; null: it is no copy. */
  #copy: string | null = null;

  /**
   * @returns what the order asks for
   * @throws StoreUnavailableError where there is no store; any other Error where the disk fails
   */
  async take(order: StoreOrder): Promise<unknown> {
    switch (order.kind) {
      case "begin":
        return this.#begin(order.path, order.isCopy);
      case "open":
        return await this.#open(order.store, order.isDamaged);
      case "get":
        return await this.#store(order.store).level.getMany([...order.keys]);
      case "put":
        return await this.#written(order.store).put(order.key, order.value, { sync: order.sync });
      case "del":
        return await this.#written(order.store).del(order.key, { sync: order.sync });
      case "clear":
        return await this.#written(order.store).clear({ gte: order.gte, lt: order.lt });
      case "next-key":
        return (await this.#store(order.store).level.keys({ gt: order.after, limit: 1 }).all())[0] ?? null;
      case "room":
        return requireRoom(this.#folder, order.bytes);
      case "close":
        return await this.#close();
    }
  }

  #begin(path: string, isCopy: boolean): void {
    this.#path = path;
    this.#copy = isCopy ? copyStores(storesFolder(path)) : null;
    this.#folder = this.#copy ?? storesFolder(path);
    try {
      for (const folder of isCopy ? [] : [path, this.#folder]) makeFolder(folder);
    } catch (error) {
      throw unavailable(path, error);
    }
  }

  async #open(name: StoreName, isDamaged: boolean): Promise<StoreOpening> {
    const folder = join(this.#folder, name);
    try {
      const { level, ...opening } = isDamaged ? await begunAnew(folder) : await openMended(folder);
      this.#stores.set(name, { level, folder, inode: inodeOf(folder) });
      return opening;
    } catch (error) {
      throw unavailable(this.#path, error);
    }
  }

  #store(name: StoreName): OpenStore {
    const store = this.#stores.get(name);
    if (store === undefined) throw new StoreUnavailableError(`The store ${name} is not open`, "closed");
    return store;
  }

  /** LevelDB goes on writing to files that have no name any more, and says nothing. */
  #written(name: StoreName): ClassicLevel<string, Uint8Array> {
    const { level, folder, inode } = this.#store(name);
    if (inodeOf(folder) !== inode) throw new Error(`${folder} was removed or replaced`);
    return level;
  }

  async #close(): Promise<void> {
    for (const { level } of this.#stores.values()) await level.close();
    if (this.#copy !== null) rmSync(this.#copy, { recursive: true, force: true });
  }
}

function inodeOf(folder: string): number {
  return statSync(join(folder, "CURRENT"), { throwIfNoEntry: false })?.ino ?? 0;
}

/** Whoever could put a link in its place could have us write elsewhere. */
function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (lstatSync(folder).isSymbolicLink()) throw Object.assign(new Error("a link"), { code: "ELOOP" });
}

async function openLevel(folder: string): Promise<ClassicLevel<string, Uint8Array>> {
  makeFolder(folder);
  const level = new ClassicLevel<string, Uint8Array>(folder, { valueEncoding: "view", ...openOptions });
  await level.open();
  return level;
}

interface Opened extends StoreOpening {
  readonly level: ClassicLevel<string, Uint8Array>;
}

/** Where files are damaged or missing, LevelDB repairs the store from what is there, as far as it can. */
async function openMended(folder: string): Promise<Opened> {
  const whole = hasLostItsName(folder) ? null : await openUnlessDamaged(folder);
  if (whole !== null) return { level: whole, isRepaired: false, setAside: null };
  await ClassicLevel.repair(folder).catch(() => undefined);
  const repaired = await openUnlessDamaged(folder);
  return repaired === null ? await begunAnew(folder) : { level: repaired, isRepaired: true, setAside: null };
}

/** Without CURRENT, LevelDB takes what is there for nothing and deletes it. */
function hasLostItsName(folder: string): boolean {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return !names.includes("CURRENT") && names.some((name) => /^MANIFEST-|\.(?:ldb|log)$/.test(name));
}

async function openUnlessDamaged(folder: string): Promise<ClassicLevel<string, Uint8Array> | null> {
  try {
    return await openLevel(folder);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return null;
  }
}

/** What was there is kept, for whoever wants to look. */
async function begunAnew(folder: string): Promise<Opened> {
  const setAside = `${folder}.damaged`;
  rmSync(setAside, { recursive: true, force: true });
  renameSync(folder, setAside);
  return { level: await openLevel(folder), isRepaired: false, setAside };
}

/** What LevelDB says where files are not as it has left them, and not where the disk does not let it. */
const damage = /No such file or directory|Is a directory|Not a directory|Invalid argument|does not exist/;

function isDamage(error: unknown): boolean {
  const { code, message } = innermost(error);
  return code === "LEVEL_CORRUPTION" || damage.test(message);
}

/** `abstract-level` says that a store could not be opened, and its cause says why. */
function innermost(error: unknown): { readonly code: string; readonly message: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = String((cause as { code?: unknown }).code ?? "");
  return { code, message: cause instanceof Error ? cause.message : String(cause) };
}

/** Some file systems say nothing of their size. */
function requireRoom(folder: string, bytes: number): void {
  const { bavail, blocks, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  if (blocks === 0 || freeBytes >= bytes) return;
  throw new Error(`${folder} has ${freeBytes} bytes left, and ${bytes} are needed`);
}

function unavailable(path: string, error: unknown): StoreUnavailableError {
  const { code, message } = innermost(error);
  const remedy = remedies[code] ?? "Look at the disk, or set storage.path to another folder";
  return new StoreUnavailableError(`${path} cannot be used as storage.path (${message}). ${remedy}`, code);
}

const remedies: Readonly<Record<string, string>> = {
  LEVEL_LOCKED: "Another process owns it: give each proxy a storage.path of its own",
  EACCES: "Let the proxy's user write there, or set storage.path to a folder where it may",
  EROFS: "Mount a volume that can be written, or set storage.enabled to false",
  ELOOP: "Name the folder itself: links are not followed",
  ENOTDIR: "Set storage.path to a folder",
  EEXIST: "Set storage.path to a folder",
};
