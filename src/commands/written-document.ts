/**
 * Writes an exported document to its file: whole or not at all, and for its owner alone, as a document may
 * hold identities. It must not look at what it writes.
 */
import { randomUUID } from "node:crypto";
import { lstat, open, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** Of new files, and of those that are replaced. */
const mode = 0o600;

/** What is open already is a file where the shell has led it to one, which may go on behind the document. */
const openAlready = /^\/(?:dev\/(?:stdin|stdout|stderr|fd\/\d+)|proc\/[^/]+\/fd\/\d+)$/;

/**
 * @param path of a file, which is replaced, there or not; of a pipe or a device, which is written to
 * @throws what the file system throws; a file is then what it was
 */
export async function writeDocument(path: string, document: Uint8Array): Promise<void> {
  const replaced = openAlready.test(resolve(path)) ? null : await replacedFile(path);
  if (replaced === null) await writeFile(path, document, { mode });
  else await replaceFile(replaced, document);
}

/** @returns where the file is that links lead to, or will be; null where there is no file to replace */
async function replacedFile(path: string): Promise<string | null> {
  const found = await stat(path).catch(unlessMissing);
  if (found !== null) return found.isFile() ? await realpath(path) : null;
  const link = await lstat(path).catch(unlessMissing);
  return link === null ? path : null;
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}

async function replaceFile(path: string, document: Uint8Array): Promise<void> {
  const next = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    {
      await using file = await open(next, "wx", mode);
      await file.writeFile(document);
      await file.sync();
    }
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}
