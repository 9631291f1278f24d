/**
 * The data plane's side of usage: tells the control plane about once a second what was answered, and once
 * more at its end. It adds nothing up.
 */
import type { UsageSettings } from "../../models/settings.ts";
import type { UsageRow } from "../../models/usage.ts";
import type { Clock } from "../clock.ts";
import type { NoticeTaker } from "../environments/data-plane-notice.ts";

/** What a process that dies has not told is lost: no more than of so long. */
const tellEveryMs = 1000;

export interface UsageNoticesOptions {
  /** Null: nobody wants to know. */
  readonly settings: UsageSettings | null;
  /** @returns what was answered since it was last asked */
  readonly take: () => readonly UsageRow[];
  readonly notify: NoticeTaker;
  readonly clock: Pick<Clock, "sleep">;
}

export class UsageNotices implements AsyncDisposable {
  readonly #options: UsageNoticesOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> | null = null;

  constructor(options: UsageNoticesOptions) {
    this.#options = options;
  }

  /**
   * Begins to tell once requests can come: what never does must not keep its process.
   * @param listening of whoever takes requests
   * @returns the same
   */
  async beginAfter<T>(listening: Promise<T>): Promise<T> {
    const value = await listening;
    if (this.#options.settings !== null) this.#loop ??= this.#run();
    return value;
  }

  /** Tells what is left; to be called once nothing is answered any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    this.#tell();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#tell();
      await this.#options.clock.sleep(tellEveryMs, signal);
    }
  }

  #tell(): void {
    const { notify, settings, take } = this.#options;
    const rows = settings === null ? [] : take();
    if (rows.length > 0) notify({ kind: "usage", rows });
  }
}
