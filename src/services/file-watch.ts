/**
 * Notices that files have changed, by looking at them from time to time (decision 0026): whatever way they
 * are replaced, and on any file system. It does not know what is in them.
 */
import { stat } from "node:fs/promises";
import type { Clock } from "./clock.ts";
import { fileStateOf } from "./file-state.ts";

/** How long a change may go unnoticed, in milliseconds, until the wait for its end begins. */
const lookMs = 1000;
/** A file that has not changed for so many milliseconds is taken as written to its end. */
const settleMs = 250;
/** A file that never rests is read all the same after so many looks. */
const settlingLooksMax = 20;

export interface FileWatchOptions {
  /** The files, as they are asked for before each look; none: nothing is looked at. */
  readonly paths: () => readonly string[];
  /** Told of a change, and once at the beginning: a file may have changed before it was watched. */
  readonly onChange: () => void;
  readonly clock: Clock;
  /** Text that differs where a file's content may; `stateAt` unless given. It never rejects. */
  readonly stateOf?: (path: string) => Promise<string>;
}

/** Looks until it is disposed of. */
export class FileWatch implements Disposable {
  readonly #options: FileWatchOptions;
  readonly #stop = new AbortController();

  constructor(options: FileWatchOptions) {
    this.#options = options;
    void this.#run();
  }

  /** A look that is on its way is not waited for: a file system may hang. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { clock, onChange } = this.#options;
    const { signal } = this.#stop;
    let known = "";
    for (;;) {
      await clock.sleep(lookMs, signal);
      const seen = await this.#look();
      if (signal.aborted) return;
      if (seen === known) continue;
      known = await this.#settled(seen);
      if (signal.aborted) return;
      // Where it makes other files the ones to watch, the next look differs, and tells of a change again.
      onChange();
    }
  }

  /** @returns what is seen once it stays the same */
  async #settled(first: string): Promise<string> {
    let seen = first;
    for (let looks = 0; looks < settlingLooksMax && !this.#stop.signal.aborted; looks += 1) {
      await this.#options.clock.sleep(settleMs, this.#stop.signal);
      const again = await this.#look();
      if (again === seen) break;
      seen = again;
    }
    return seen;
  }

  /** One file after the other: a file system that hangs then holds no more than one thread of the pool. */
  async #look(): Promise<string> {
    const { paths, stateOf = stateAt } = this.#options;
    const states: string[] = [];
    for (const path of paths()) states.push(`${path} ${await stateOf(path)}`);
    return states.join("\n");
  }
}

async function stateAt(path: string): Promise<string> {
  try {
    return fileStateOf(await stat(path, { bigint: true }));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}
