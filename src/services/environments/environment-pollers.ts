/**
 * The control plane's side of the environments: a poller for each, which fetches, has the document read, and
 * hands it to the data plane. It serves nothing itself.
 */
import { UpstreamError } from "../../models/errors.ts";
import { maskKey } from "../../models/masked-key.ts";
import type { EnvironmentKeyPair, PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import type { Logger } from "../service-logger.ts";
import type { FetchedDocument, UpstreamClient } from "../upstream/upstream-client.ts";
import { EnvironmentPoller, type PublishOutcome, type RefreshLimiter } from "./environment-poller.ts";
import { PublishLog } from "./publish-log.ts";
import type { DataPlane } from "./served-environments.ts";

export interface EnvironmentPollersOptions {
  readonly upstream: Pick<UpstreamClient, "fetchDocument">;
  readonly reader: DocumentReader;
  readonly dataPlane: DataPlane;
  readonly poll: PollSettings;
  readonly limiter: RefreshLimiter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

export class EnvironmentPollers implements AsyncDisposable {
  readonly #pollers: readonly EnvironmentPoller[];

  /** Makes a poller for each pair of keys; nothing is fetched before `start`. */
  constructor(pairs: readonly EnvironmentKeyPair[], options: EnvironmentPollersOptions) {
    this.#pollers = pairs.map((keys, environment) => createPoller(keys, environment, options));
  }

  /** Begins to poll all of them. */
  start(): void {
    for (const poller of this.#pollers) poller.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pollers.map((poller) => poller[Symbol.asyncDispose]()));
  }
}

function createPoller(
  { clientSideKey, serverSideKey }: EnvironmentKeyPair,
  environment: number,
  options: EnvironmentPollersOptions,
): EnvironmentPoller {
  const { upstream, dataPlane, poll, limiter, clock, logger, random } = options;
  const label = maskKey(serverSideKey);
  const log = new PublishLog({ label, clientKey: clientSideKey, logger });
  return new EnvironmentPoller({
    label,
    serverKey: serverSideKey,
    upstream,
    publish: (fetched, signal) => readAndPublish({ environment, label, log, signal }, fetched, options),
    onStatus: (status) => dataPlane.setRefreshStatus(environment, status),
    limiter,
    clock,
    random,
    logger,
    settings: poll,
  });
}

interface PublishTarget {
  readonly environment: number;
  readonly label: string;
  readonly log: PublishLog;
  readonly signal: AbortSignal;
}

async function readAndPublish(
  { environment, label, log, signal }: PublishTarget,
  { pages, lastModified }: FetchedDocument,
  { clock, dataPlane, reader }: EnvironmentPollersOptions,
): Promise<PublishOutcome> {
  const startMs = clock.monotonicMs();
  const receivedAt = clock.wallTime();
  const packed = await reader.read({ pages, label, signal }).catch(refusalOf);
  if (packed instanceof UpstreamError) return { refusal: packed };
  signal.throwIfAborted();
  const report = await dataPlane.publish(environment, { packed, lastModified, receivedAt });
  log.published(report, clock.monotonicMs() - startMs);
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
