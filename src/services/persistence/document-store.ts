/**
 * The folder on disk that outlives the process: an embedded store of keys and bytes, LevelDB. It decides how
 * the store is opened and what it costs; what is in it is not its concern.
 */
import { lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ClassicLevel } from "classic-level";

/** Keys are text, values are bytes. */
export type DocumentStore = Pick<ClassicLevel<string, Uint8Array>, "get" | "put" | "del" | "clear" | "close">;

/** A store that tells which keys it has. */
export type ListedStore = DocumentStore & Pick<ClassicLevel<string, Uint8Array>, "keys">;

/** Why there is no store; the message says what to do. Never fatal: what is served is in memory. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
  /** Of the system, or of LevelDB. */
  readonly code: string;

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Whether what is there may be read from a copy: it is ours, and only cannot be written. */
  get mayBeCopied(): boolean {
    return !["closed", "LEVEL_LOCKED", "ELOOP", "ENOTDIR", "EEXIST"].includes(this.code);
  }
}

/** What came of opening a store. */
export interface OpenedStore {
  readonly store: ListedStore;
  /** Where the store could not be read and was begun anew, the folder that keeps what was there. */
  readonly setAside: string | null;
}

/** Pieces are written as they come, and read once: buffers for more would only take memory. */
const openOptions = { writeBufferSize: 1_048_576, cacheSize: 65_536, maxOpenFiles: 64 };

/**
 * Opens the store in a folder of its own below `path`. Files are readable by their owner alone.
 * @throws StoreUnavailableError where the disk does not let us, or another process owns the store
 */
export async function openDocumentStore(path: string): Promise<OpenedStore> {
  const folder = storeFolder(path);
  makeFolder(path);
  try {
    return { store: await openFolder(folder), setAside: null };
  } catch (error) {
    const code = codeOf(error);
    if (code !== "LEVEL_CORRUPTION") throw unavailable(path, error);
  }
  const setAside = `${folder}.damaged`;
  try {
    rmSync(setAside, { recursive: true, force: true });
    renameSync(folder, setAside);
    return { store: await openFolder(folder), setAside };
  } catch (error) {
    throw unavailable(path, error);
  }
}

/** Where the store below `path` is. */
export function storeFolder(path: string): string {
  return join(path, "documents");
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (lstatSync(path).isSymbolicLink()) throw Object.assign(new Error("a link"), { code: "ELOOP" });
  } catch (error) {
    throw unavailable(path, error);
  }
}

/** Opens the store that is in `folder`, and makes one where there is none. */
export async function openFolder(folder: string): Promise<ListedStore> {
  // It is loaded only where there is a store: it takes memory and some milliseconds.
  const { ClassicLevel } = await import("classic-level");
  // LevelDB makes its files with the process's mask, now and later; nothing else here makes any.
  process.umask(0o077);
  const store = new ClassicLevel<string, Uint8Array>(folder, { valueEncoding: "view", ...openOptions });
  await store.open();
  return store;
}

function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  return String(cause?.code ?? code ?? "");
}

function unavailable(path: string, error: unknown): StoreUnavailableError {
  const code = codeOf(error);
  const remedy = remedies[code] ?? "Look at the disk, or set storage.path to another folder";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const detail = cause instanceof Error ? cause.message : String(cause);
  const message = `${path} cannot be used as storage.path (${detail}). ${remedy}`;
  return new StoreUnavailableError(message, code, { cause: error });
}

const remedies: Readonly<Record<string, string>> = {
  LEVEL_LOCKED: "Another process owns it: give each proxy a storage.path of its own",
  EACCES: "Let the proxy's user write there, or set storage.path to a folder where it may",
  EROFS: "Mount a volume that can be written, or set storage.enabled to false",
  ELOOP: "Name the folder itself: links are not followed",
  ENOTDIR: "Set storage.path to a folder",
  EEXIST: "Set storage.path to a folder",
};
