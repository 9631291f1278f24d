/**
 * Keeps the list of environments that a proxy key opens (contract B 4.2): asks, applies, waits, again. It
 * must never run twice at once, never end because one try failed, and remove nothing unless a list came.
 */
import type { DiscoveredEnvironments } from "../../models/discovered-environments.ts";
import { UpstreamError } from "../../models/errors.ts";
import type { PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { DiscoveredArchive } from "../persistence/discovered-archive.ts";
import type { Logger } from "../service-logger.ts";
import type { UpstreamClient } from "../upstream/upstream-client.ts";
import { checkDiscovered, environmentsOf, readDiscovered } from "./discovered-list.ts";
import { DiscoveryLog } from "./discovery-log.ts";
import type { EnvironmentList } from "./environment-list.ts";
import { PollPause } from "./poll-pause.ts";
import { pollWaitMs } from "./poll-wait.ts";
import {
  archivedStatus,
  failedStatus,
  freshStatus,
  neverRefreshed,
  type RefreshStatus,
} from "./refresh-status.ts";
import type { DataPlane } from "./served-environments.ts";

export interface EnvironmentDiscoveryOptions {
  /** Null: nobody is asked, and what the last process found stays. */
  readonly upstream: Pick<UpstreamClient, "fetchEnvironments"> | null;
  readonly list: Pick<EnvironmentList, "discover">;
  readonly dataPlane: Pick<DataPlane, "setEnvironmentsKnown" | "setDiscoveryStatus">;
  /** Null: nothing outlives the process. */
  readonly archive: DiscoveredArchive | null;
  readonly poll: PollSettings;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly logger: Logger;
}

export class EnvironmentDiscovery implements AsyncDisposable {
  readonly #options: EnvironmentDiscoveryOptions;
  readonly #log: DiscoveryLog;
  readonly #stop = new AbortController();
  readonly #attempted = Promise.withResolvers<void>();
  readonly #pause: PollPause;
  #loop: Promise<void> | null = null;
  #status = neverRefreshed;
  /** The last list, by whose digest it is known again; null: there is none. */
  #listed: { readonly digest: string; readonly list: DiscoveredEnvironments } | null = null;
  #areKnown = false;
  #poll: PollSettings;

  /** From now on requests with unknown keys wait for a list: they are answered 503. */
  constructor(options: EnvironmentDiscoveryOptions) {
    this.#options = options;
    this.#log = new DiscoveryLog(options.logger, options.clock);
    this.#poll = options.poll;
    this.#pause = new PollPause(options.clock);
    options.dataPlane.setEnvironmentsKnown(false);
    if (options.upstream !== null) options.dataPlane.setDiscoveryStatus(this.#status);
  }

  /** Resolves when the first try has ended, well or not: documents are asked for after it. */
  get attempted(): Promise<void> {
    return this.#attempted.promise;
  }

  /** Serves what the last process found, then asks at once; a second call does nothing. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Counts from now on, also for a wait that has begun. */
  setPoll(poll: PollSettings): void {
    this.#poll = poll;
    this.#pause.retime();
  }

  /** Ends the wait and the fetch at once; what is to be written is waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#pause.end();
    this.#attempted.resolve();
    await this.#loop;
    await this.#options.archive?.settled();
  }

  /** One after the other; the wait begins when the try ended. */
  async #run(): Promise<void> {
    const { random, upstream } = this.#options;
    const { signal } = this.#stop;
    await this.#restore();
    if (upstream === null) this.#setKnown();
    while (upstream !== null && !signal.aborted) {
      const error = await this.#discoverOnce(upstream);
      this.#attempted.resolve();
      const outcome = {
        error: error instanceof UpstreamError ? error : null,
        consecutiveFailures: this.#status.consecutiveFailures,
        holdsDocument: this.#areKnown,
        isRefusal: false,
      };
      const drawn = random();
      await this.#pause.rest(() => pollWaitMs(outcome, this.#poll, drawn));
    }
    this.#attempted.resolve();
  }

  /** Serves what the last process found, where that can be used. Never rejects. */
  async #restore(): Promise<void> {
    const { archive, clock } = this.#options;
    const found = (await archive?.find(this.#stop.signal)) ?? null;
    if (found === null || this.#stop.signal.aborted) return;
    try {
      const list = checkDiscovered(found.list);
      // As it was then: what has expired since opens nothing, and ends no environment before a list does.
      const environments = this.#apply(list, found.confirmedAt, true);
      this.#log.restored(environments, found.confirmedAt);
      this.#setStatus(archivedStatus(found.confirmedAt, clock));
      this.#setKnown();
    } catch (error) {
      this.#log.notRestored(error);
    }
  }

  /** Never throws, whatever happens. @returns what failed */
  async #discoverOnce(upstream: Pick<UpstreamClient, "fetchEnvironments">): Promise<unknown> {
    const startTime = this.#options.clock.wallTime();
    try {
      await this.#fetchAndApply(upstream);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#recordFailure(error, startTime);
      return error;
    }
    this.#recordSuccess(startTime);
    return null;
  }

  async #fetchAndApply(upstream: Pick<UpstreamClient, "fetchEnvironments">): Promise<void> {
    const { archive, clock } = this.#options;
    const { digest, pages } = await upstream.fetchEnvironments(this.#stop.signal);
    this.#stop.signal.throwIfAborted();
    const before = this.#listed;
    const listed = before?.digest === digest ? before : { digest, list: readDiscovered(pages) };
    this.#listed = listed;
    // Applied also where it is the same: keys expire.
    this.#apply(listed.list, clock.wallTime(), false);
    this.#setKnown();
    if (listed === before) archive?.confirm(listed.list);
    else archive?.keep(listed.list);
  }

  /** @returns how many of the list can be served */
  #apply(list: DiscoveredEnvironments, at: Date, isRestored: boolean): number {
    const environments = environmentsOf(list, at);
    const usable = environments.filter(({ isUsable }) => isUsable);
    const changes = this.#options.list.discover(usable);
    this.#log.applied(environments, changes, isRestored);
    return usable.length;
  }

  #setKnown(): void {
    if (this.#areKnown) return;
    this.#areKnown = true;
    this.#options.dataPlane.setEnvironmentsKnown(true);
  }

  #recordSuccess(startTime: Date): void {
    this.#log.succeeded(this.#status.consecutiveFailures);
    this.#setStatus(freshStatus(startTime, this.#options.clock, null));
  }

  #recordFailure(error: unknown, startTime: Date): void {
    this.#setStatus(failedStatus(this.#status, error, startTime));
    this.#log.failed(error, this.#status.consecutiveFailures);
  }

  #setStatus(status: RefreshStatus): void {
    this.#status = status;
    this.#options.dataPlane.setDiscoveryStatus(status);
  }
}
