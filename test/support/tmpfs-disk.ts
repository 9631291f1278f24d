/**
 * A small disk of its own, which a test fills, grows and makes read-only. It needs the right to mount, and
 * must not leave anything mounted.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TmpfsDisk extends Disposable {
  /** Where it is mounted. */
  readonly path: string;
  /** Mounts it anew with these options, such as `size=1m` or `ro`. */
  remount(options: string): void;
  /** Takes all the room that is left. */
  fill(): void;
  /** Gives back what `fill` took. */
  empty(): void;
}

/** Whether this process may mount; said on standard error where it may not. */
export const canMount = mayMount();

function mayMount(): boolean {
  try {
    mountDisk("64k")[Symbol.dispose]();
    return true;
  } catch (error) {
    process.stderr.write(`tests of disks are skipped: ${(error as Error).message}\n`);
    return false;
  }
}

/** @throws where this process may not mount */
export function mountDisk(size: string): TmpfsDisk {
  const path = mkdtempSync(join(tmpdir(), "tmpfs-disk-"));
  const filler = join(path, "filler");
  try {
    run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  } catch (error) {
    rmdirSync(path);
    throw error;
  }
  return {
    path,
    remount: (options) => run("mount", ["-o", `remount,${options}`, path]),
    fill() {
      // A page at a time: a longer write would fail as a whole.
      for (;;) {
        try {
          writeFileSync(filler, Buffer.alloc(4096), { flag: "a" });
        } catch {
          return;
        }
      }
    },
    empty: () => rmSync(filler),
    [Symbol.dispose]() {
      run("umount", ["--lazy", path]);
      rmdirSync(path);
    },
  };
}

function run(command: string, words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr.trim()}`);
}
