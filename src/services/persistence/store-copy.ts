/**
 * A copy of stores that cannot be opened where they are: opening writes, and a disk that is full or read-only
 * does not let it, nor does another process that owns them. What was archived can be read all the same, and
 * has checksums where it was copied amid a write. Nothing is written to a copy.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Larger stores are not copied. */
const copyBytesMax = 1_073_741_824;
/** A store that is in use loses files while it is copied. */
const triesMax = 3;

/**
 * Copies the folder to the system's temporary folder, readable by its owner alone.
 * @returns the copy, for whoever has it to delete
 * @throws where there is nothing to copy, no room for it, or too much
 */
export function copyStores(folder: string): string {
  if (bytesOf(folder) > copyBytesMax) throw new Error(`${folder} is too large to be copied`);
  for (let tries = 1; ; tries += 1) {
    const copy = mkdtempSync(join(tmpdir(), "flag-edge-proxy-"));
    try {
      cpSync(folder, copy, { recursive: true });
      return copy;
    } catch (error) {
      rmSync(copy, { recursive: true, force: true });
      if (tries === triesMax) throw error;
    }
  }
}

function bytesOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sizes = files.map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((total, size) => total + size, 0);
}
