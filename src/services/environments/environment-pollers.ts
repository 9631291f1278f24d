/**
 * The control plane's side of the environments: a poller for each, which fetches, has the document read, and
 * hands it to the data plane. It serves nothing itself.
 */
import { maskKey } from "../../models/masked-key.ts";
import type { EnvironmentKeyPair, PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import type { Logger } from "../service-logger.ts";
import type { FetchedDocument, UpstreamClient } from "../upstream/upstream-client.ts";
import { EnvironmentPoller, type PublishedDocument, type RefreshLimiter } from "./environment-poller.ts";
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
    publish: (fetched, knownDigest) => readAndPublish(environment, fetched, knownDigest, log, options),
    onStatus: (status) => dataPlane.setRefreshStatus(environment, status),
    limiter,
    clock,
    random,
    logger,
    settings: poll,
  });
}

async function readAndPublish(
  environment: number,
  { pages, lastModified }: FetchedDocument,
  knownDigest: string | null,
  log: PublishLog,
  { clock, dataPlane, reader }: EnvironmentPollersOptions,
): Promise<PublishedDocument | null> {
  const startMs = clock.monotonicMs();
  const receivedAt = clock.wallTime();
  const packed = await reader.read(pages, knownDigest);
  if (packed === null) return null;
  const report = await dataPlane.publish(environment, { packed, lastModified, receivedAt });
  log.published(report, clock.monotonicMs() - startMs);
  return { digest: packed.digest, updatedAt: report.updatedAt };
}
