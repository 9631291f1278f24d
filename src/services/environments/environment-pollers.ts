/**
 * The control plane's side of the environments: a poller for each, which fetches, has the document read, and
 * hands it to the data plane. It serves nothing itself.
 */
import { UpstreamError } from "../../models/errors.ts";
import { maskKey } from "../../models/masked-key.ts";
import type { EnvironmentKeyPair, PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import type { EnvironmentArchive } from "../persistence/environment-archive.ts";
import type { Logger } from "../service-logger.ts";
import type { FetchedDocument, UpstreamClient } from "../upstream/upstream-client.ts";
import { DocumentGuard } from "./document-guard.ts";
import { EnvironmentPoller, type PublishOutcome, type RefreshLimiter } from "./environment-poller.ts";
import { PublishLog } from "./publish-log.ts";
import { type RestoredEnvironment, restoreEnvironment } from "./restore-environment.ts";
import type { DataPlane } from "./served-environments.ts";

export interface EnvironmentPollersOptions {
  readonly upstream: Pick<UpstreamClient, "fetchDocument"> & {
    /** Whether it can be asked about an environment at all; where it is not given, about any. */
    has?(serverKey: string): boolean;
  };
  readonly reader: DocumentReader;
  readonly dataPlane: DataPlane;
  readonly poll: PollSettings;
  /** Whether a document that lost more than half of its features has to come twice. */
  readonly holdsBackShrunk: boolean;
  readonly limiter: RefreshLimiter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Null: nothing outlives the process. */
  readonly archive: Pick<EnvironmentArchive, "find" | "keep" | "confirm"> | null;
}

/** What is done for one environment, and with what. */
interface EnvironmentDuty extends RestoredEnvironment {
  readonly poller: EnvironmentPoller;
}

export class EnvironmentPollers implements AsyncDisposable {
  readonly #options: EnvironmentPollersOptions;
  readonly #duties: readonly EnvironmentDuty[];
  readonly #stop = new AbortController();
  #restoring: Promise<unknown> = Promise.resolve();

  /** Makes a poller for each pair of keys; nothing is fetched before `start`. */
  constructor(pairs: readonly EnvironmentKeyPair[], options: EnvironmentPollersOptions) {
    this.#options = options;
    this.#duties = pairs.map((keys, environment) => createDuty(keys, environment, options));
  }

  /** Serves what the archive has, and begins to poll: each environment as soon as it can. */
  start(): void {
    const { signal } = this.#stop;
    const restoring = this.#duties.map(async (duty) => {
      const isServed = await restoreEnvironment(duty, this.#options, signal);
      if (this.#options.upstream.has?.(duty.serverKey) === false) this.#stayOffline(duty, isServed);
      else duty.poller.start();
    });
    this.#restoring = Promise.all(restoring);
  }

  /** Its document is that of the archive for good. */
  #stayOffline({ label }: EnvironmentDuty, isServed: boolean): void {
    if (isServed) return;
    this.#options.logger.error(
      { environment: label },
      "Offline, and there is no document for this environment: name one in environment_key_pairs[].file, " +
        "or set storage.path to the folder of a proxy that served it",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#duties.map(({ poller }) => poller[Symbol.asyncDispose]()));
    await this.#restoring;
  }
}

function createDuty(
  { clientSideKey, serverSideKey }: EnvironmentKeyPair,
  environment: number,
  options: EnvironmentPollersOptions,
): EnvironmentDuty {
  const { upstream, dataPlane, poll, holdsBackShrunk, limiter, clock, logger, random, archive } = options;
  const label = maskKey(serverSideKey);
  const log = new PublishLog({ label, clientKey: clientSideKey, logger });
  const guard = new DocumentGuard(holdsBackShrunk);
  const duty = { environment, serverKey: serverSideKey, label, log, guard };
  const poller = new EnvironmentPoller({
    label,
    serverKey: serverSideKey,
    upstream,
    publish: (fetched, signal) => readAndPublish({ ...duty, signal }, fetched, options),
    onStatus: (status) => {
      dataPlane.setRefreshStatus(environment, status);
      if (status.state !== "fresh") return;
      guard.confirmedServed();
      archive?.confirm(serverSideKey);
    },
    limiter,
    clock,
    random,
    logger,
    settings: poll,
  });
  return { ...duty, poller };
}

interface PublishTarget extends Omit<EnvironmentDuty, "poller"> {
  readonly signal: AbortSignal;
}

async function readAndPublish(
  { environment, serverKey, label, log, guard, signal }: PublishTarget,
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
  guard.accepted(packed);
  log.published(report, clock.monotonicMs() - startMs);
  archive?.keep(serverKey, document);
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
