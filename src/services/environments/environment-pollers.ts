/**
 * The control plane's side of the environments: a poller for each, which fetches, has the document read, and
 * hands it to the data plane. It serves nothing itself.
 */
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import { UpstreamError } from "../../models/errors.ts";
import { maskKey } from "../../models/masked-key.ts";
import type { PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import type { EnvironmentArchive } from "../persistence/environment-archive.ts";
import type { Logger } from "../service-logger.ts";
import type { FetchedDocument, UpstreamClient } from "../upstream/upstream-client.ts";
import { DocumentGuard } from "./document-guard.ts";
import type { EnvironmentListTarget } from "./environment-list.ts";
import { EnvironmentPoller, type PublishOutcome } from "./environment-poller.ts";
import { PublishLog } from "./publish-log.ts";
import type { RefreshLimiter } from "./refresh-limiter.ts";
import { type RestoredEnvironment, restoreEnvironment } from "./restore-environment.ts";
import type { DataPlane } from "./served-environments.ts";
import { serverKeyOf } from "./valid-server-key.ts";

export interface EnvironmentPollersOptions {
  readonly upstream: Pick<UpstreamClient, "fetchDocument"> & {
    /** Whether it can be asked about an environment at all; where it is not given, about any. */
    has?(serverKey: string): boolean;
  };
  readonly reader: DocumentReader;
  readonly dataPlane: DataPlane;
  /** Those of the start. */
  readonly poll: PollSettings;
  /** Whether a document that lost more than half of its features has to come twice. */
  readonly holdsBackShrunk: boolean;
  readonly limiter: RefreshLimiter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Null: nothing outlives the process. */
  readonly archive: Pick<EnvironmentArchive, "find" | "keep" | "confirm" | "forget"> | null;
}

/** What is done for one environment, and with what. */
interface EnvironmentDuty extends RestoredEnvironment {
  readonly poller: EnvironmentPoller;
  /** Ends all that is done for it. */
  readonly stop: AbortController;
  keys: EnvironmentKeys;
  /** Settled when what was to be done before the first poll is done. */
  restoring: Promise<void>;
}

export class EnvironmentPollers implements EnvironmentListTarget, AsyncDisposable {
  readonly #options: EnvironmentPollersOptions;
  readonly #duties = new Map<number, EnvironmentDuty>();
  /** What is still to end of environments that are gone. */
  readonly #ending = new Set<Promise<void>>();
  #isStarted = false;
  #poll: PollSettings;
  #pollsAfter: Promise<void> = Promise.resolve();

  constructor(options: EnvironmentPollersOptions) {
    this.#options = options;
    this.#poll = options.poll;
  }

  /** Tells the data plane of an environment, and polls it from `start` on. */
  add(environment: number, keys: EnvironmentKeys): void {
    this.#options.dataPlane.setEnvironment(environment, keys);
    const duty = createDuty(keys, environment, this.#options, () => this.#poll);
    this.#duties.set(environment, duty);
    if (this.#isStarted) this.#begin(duty);
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
    this.#poll = poll;
    for (const { poller } of this.#duties.values()) poller.retime();
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
      { environment: label },
      "Offline, and there is no document for this environment: name one in environment_key_pairs[].file, " +
        "or set storage.path to the folder of a proxy that served it",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...[...this.#duties.values()].map(endDuty), ...this.#ending]);
  }
}

async function endDuty({ poller, restoring, stop }: EnvironmentDuty): Promise<void> {
  stop.abort();
  await poller[Symbol.asyncDispose]();
  await restoring;
}

function createDuty(
  keys: EnvironmentKeys,
  environment: number,
  options: EnvironmentPollersOptions,
  settings: () => PollSettings,
): EnvironmentDuty {
  const { upstream, dataPlane, holdsBackShrunk, limiter, clock, logger, random, archive } = options;
  const { clientSideKey } = keys;
  const label = maskKey(serverKeyOf(keys, clock));
  const log = new PublishLog({ label, clientKey: clientSideKey, logger });
  const guard = new DocumentGuard(holdsBackShrunk);
  const restored = { environment, clientKey: clientSideKey, label, log, guard };
  const poller = new EnvironmentPoller({
    label,
    serverKey: () => serverKeyOf(duty.keys, clock),
    upstream,
    publish: (fetched, signal) => readAndPublish({ ...restored, signal }, fetched, options),
    onStatus: (status) => {
      dataPlane.setRefreshStatus(environment, status);
      if (status.state !== "fresh" || duty.stop.signal.aborted) return;
      guard.confirmedServed();
      archive?.confirm(clientSideKey);
    },
    limiter,
    clock,
    random,
    logger,
    settings,
  });
  const duty = { ...restored, poller, keys, stop: new AbortController(), restoring: Promise.resolve() };
  return duty;
}

interface PublishTarget extends Omit<RestoredEnvironment, "poller"> {
  readonly signal: AbortSignal;
}

async function readAndPublish(
  { environment, clientKey, label, log, guard, signal }: PublishTarget,
  { pages, lastModified }: FetchedDocument,
  { archive, clock, dataPlane, reader }: EnvironmentPollersOptions,
): Promise<PublishOutcome> {
  const startMs = clock.monotonicMs();
  const receivedAt = clock.wallTime();
  const packed = await reader.read({ pages, label, signal }).catch(refusalOf);
  if (packed instanceof UpstreamError) return { refusal: packed };
  const refusal = guard.refusalOf(packed);
  if (refusal !== null) return { refusal };
  guard.confirm(packed);
  signal.throwIfAborted();
  const document = { packed, lastModified, receivedAt };
  const report = await dataPlane.publish(environment, document);
  dataPlane.announce(environment, report.version);
  guard.accepted(packed);
  log.published(report, clock.monotonicMs() - startMs);
  if (!signal.aborted) archive?.keep(clientKey, document);
  return { updatedAt: report.updatedAt };
}

/**
 * @returns why the reader refused the document itself
 * @throws what is another fault: the same document may be read well the next time
 */
function refusalOf(error: unknown): UpstreamError {
  const isRefusal =
    error instanceof UpstreamError && (error.code === "not_json" || error.code === "document_invalid");
  if (!isRefusal) throw error;
  return error;
}
