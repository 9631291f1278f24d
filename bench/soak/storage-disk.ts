/**
 * The folder of the archive during a soak: where this user may mount one, a small disk of its own in memory,
 * so that it can be full. It knows nothing of what is kept there.
 */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The archive takes a tenth of it. */
const diskBytes = 16_777_216;
const block = Buffer.alloc(4096);

export class StorageDisk implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), "soak-storage-"));
  /** Whether it can be filled without filling other folders too. */
  readonly isOwnDisk: boolean;
  readonly #release = (): void => this[Symbol.dispose]();

  constructor() {
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", this.#root]);
    this.isOwnDisk = status === 0;
    // Where a signal ends the soak, nothing is disposed of.
    process.once("exit", this.#release);
  }

  /** To be used as `storage.path`. */
  get folder(): string {
    return join(this.#root, "data");
  }

  /** Takes all the room that is left. */
  fill(): void {
    const file = openSync(this.#filler, "w");
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives it back. */
  empty(): void {
    rmSync(this.#filler, { force: true });
  }

  /** When anything in the folder was last written, on the clock of `Date.now()`; 0 where nothing was. */
  get writtenMs(): number {
    const files = readdirSync(this.folder, { recursive: true, encoding: "utf8" });
    const times = files.map((name) => statSync(join(this.folder, name), { throwIfNoEntry: false })?.mtimeMs);
    return Math.max(0, ...times.map((ms) => ms ?? 0));
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#release);
    if (this.isOwnDisk) spawnSync("umount", ["--lazy", this.#root]);
    rmSync(this.#root, { recursive: true, force: true });
  }

  get #filler(): string {
    return join(this.#root, "filler");
  }
}
