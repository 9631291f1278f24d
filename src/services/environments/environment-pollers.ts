/**
 * The control plane's side of the environments: which are polled, from when on, and until when. It serves
 * nothing itself.
 */
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { PollSettings } from "../../models/settings.ts";
import type { EnvironmentArchive } from "../persistence/environment-archive.ts";
import type { DocumentSource } from "../upstream/document-source.ts";
import {
  createDuty,
  type EnvironmentDuty,
  type EnvironmentDutyOptions,
  endDuty,
} from "./environment-duty.ts";
import type { EnvironmentListTarget } from "./environment-list.ts";
import { joinedStatus } from "./refresh-status.ts";
import { restoreEnvironment } from "./restore-environment.ts";
import type { DataPlane } from "./served-environments.ts";
import { serverKeyOf } from "./valid-server-key.ts";

export interface EnvironmentPollersOptions extends EnvironmentDutyOptions {
  readonly upstream: DocumentSource & {
    /** Whether it can be asked about an environment at all; where it is not given, about any. */
    has?(serverKey: string): boolean;
  };
  readonly dataPlane: DataPlane;
  /** Those of the start. */
  readonly poll: PollSettings;
  readonly archive: Pick<EnvironmentArchive, "find" | "keep" | "confirm" | "forget"> | null;
}

export class EnvironmentPollers implements EnvironmentListTarget, AsyncDisposable {
  readonly #options: EnvironmentPollersOptions;
  readonly #duties = new Map<number, EnvironmentDuty>();
  /** What is still to end of environments that are gone. */
  readonly #ending = new Set<Promise<void>>();
  #isStarted = false;
  #areKnown = true;
  #poll: PollSettings;
  #pollsAfter: Promise<void> = Promise.resolve();

  constructor(options: EnvironmentPollersOptions) {
    this.#options = options;
    this.#poll = options.poll;
  }

  /** Tells the data plane of an environment, and polls it from `start` on. */
  add(environment: number, keys: EnvironmentKeys): void {
    this.#options.dataPlane.setEnvironment(environment, keys);
    const duty = createDuty(environment, keys, () => this.#poll, this.#options);
    if (this.#isWhole()) duty.poller.beginWith(joinedStatus(this.#options.clock));
    this.#duties.set(environment, duty);
    if (this.#isStarted) this.#begin(duty);
  }

  /** See `DataPlane.setEnvironmentsKnown`. */
  setEnvironmentsKnown(areKnown: boolean): void {
    this.#areKnown = areKnown;
    this.#options.dataPlane.setEnvironmentsKnown(areKnown);
  }

  /** From now on other keys open it; its document is fetched with them at once. */
  setKeys(environment: number, keys: EnvironmentKeys): void {
    const duty = this.#duties.get(environment);
    if (duty === undefined) return;
    duty.keys = keys;
    this.#options.dataPlane.setEnvironment(environment, keys);
    if (this.#isStarted) void duty.poller.refresh();
  }

  /** Nobody is served it any more, and what is archived of it goes too. */
  remove(environment: number): void {
    const duty = this.#duties.get(environment);
    if (duty === undefined) return;
    this.#duties.delete(environment);
    this.#options.dataPlane.removeEnvironment(environment);
    // At once: an environment that comes back with the same key may be archived before this one has ended.
    this.#options.archive?.forget(duty.keys.clientSideKey);
    const ending = endDuty(duty);
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
  }

  /**
   * Serves what the archive has, and begins to poll: each environment as soon as it can.
   * @param pollsAfter no upstream is asked before it has settled; it must not reject
   */
  start(pollsAfter: Promise<void> = Promise.resolve()): void {
    this.#isStarted = true;
    this.#pollsAfter = pollsAfter;
    for (const duty of this.#duties.values()) this.#begin(duty);
  }

  /** Counts from now on, also for waits that have begun. */
  setPoll(poll: PollSettings): void {
    const { intervalMs } = this.#poll;
    this.#poll = poll;
    for (const { poller } of this.#duties.values()) poller.retime(intervalMs);
  }

  /** Polls those too that could not be polled so far: offline, a file may be named late. */
  resume(): void {
    if (!this.#isStarted) return;
    for (const duty of this.#duties.values()) void duty.restoring.then(() => this.#pollIfPossible(duty));
  }

  /** Refreshes one now (`EnvironmentPoller.refresh`). @returns whether that went well, once it has ended */
  async refresh(environment: number): Promise<boolean> {
    const poller = this.#duties.get(environment)?.poller;
    await poller?.refresh();
    return poller?.status.consecutiveFailures === 0;
  }

  /** See `EnvironmentPoller.setPace`. */
  setPace(environment: number, intervalMs: number | null): void {
    this.#duties.get(environment)?.poller.setPace(intervalMs);
  }

  /** Whether all environments are known, and each is served, or has come while all others were. */
  #isWhole(): boolean {
    if (!this.#areKnown || this.#duties.size === 0) return false;
    return this.#duties.values().every(({ poller: { status } }) => {
      return status.lastSuccessMonotonicMs !== null || status.joinedMonotonicMs !== null;
    });
  }

  #begin(duty: EnvironmentDuty): void {
    const { signal } = duty.stop;
    duty.restoring = restoreEnvironment(duty, this.#options, signal).then((isServed) => {
      if (!this.#pollIfPossible(duty)) this.#stayOffline(duty, isServed);
    });
  }

  #pollIfPossible(duty: EnvironmentDuty): boolean {
    const { clock, upstream } = this.#options;
    if (upstream.has?.(serverKeyOf(duty.keys, clock)) === false) return false;
    void this.#pollsAfter.then(() => this.#startPolling(duty));
    return true;
  }

  /**
   * Many that begin together would be polled together for long, as each waits the same time. So each has one
   * refresh more at some point of the interval after its first one, from which on its waits are counted.
   */
  async #startPolling({ poller, stop }: EnvironmentDuty): Promise<void> {
    const { clock, random } = this.#options;
    if (stop.signal.aborted || poller.isStarted) return;
    const first = poller.refresh();
    poller.start();
    if (this.#duties.size <= this.#poll.concurrencyMax) return;
    await first;
    await clock.sleep(random() * this.#poll.intervalMs, stop.signal);
    await poller.refresh();
  }

  /** Its document is that of the archive. */
  #stayOffline({ label }: EnvironmentDuty, isServed: boolean): void {
    if (isServed) return;
    this.#options.logger.error(
      { environment: label() },
      "Offline, and there is no document for this environment: name one in environment_key_pairs[].file, " +
        "or set storage.path to the folder of a proxy that served it",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...[...this.#duties.values()].map(endDuty), ...this.#ending]);
  }
}
