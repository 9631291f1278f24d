/**
 * A copy of a store that cannot be opened where it is: opening writes, and a disk that is full or read-only
 * does not let it. What was archived can be read all the same. Nothing is written to a copy.
 */
import { cp, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DocumentStore, openFolder, storeFolder } from "./document-store.ts";

/** A larger store is not copied. */
const copyBytesMax = 1_073_741_824;

/** A copy that is open. */
export interface StoreCopy extends AsyncDisposable {
  readonly store: DocumentStore;
}

/**
 * Copies the store below `path` to the system's temporary folder, readable by its owner alone, and opens it
 * there. Disposing of it deletes it.
 * @throws where there is nothing to copy, no room for it, or too much
 */
export async function openStoreCopy(path: string): Promise<StoreCopy> {
  const folder = storeFolder(path);
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const bytes = sizes.reduce((total, size) => total + size, 0);
  if (bytes > copyBytesMax) throw new Error(`${folder} is too large to be copied`);
  const copy = await mkdtemp(join(tmpdir(), "flag-edge-proxy-"));
  const remove = () => rm(copy, { recursive: true, force: true });
  try {
    const documents = join(copy, "documents");
    await cp(folder, documents, { recursive: true });
    const store = await openFolder(documents);
    const end = async () => {
      await store.close();
      await remove();
    };
    return { store, [Symbol.asyncDispose]: end };
  } catch (error) {
    await remove();
    throw error;
  }
}
