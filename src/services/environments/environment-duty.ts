/**
 * What is done for one environment, and with what: its documents are fetched, read, guarded, handed to the
 * data plane and archived. It does not know the other environments, nor when polling begins.
 */
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import { UpstreamError } from "../../models/errors.ts";
import type { PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import type { EnvironmentArchive } from "../persistence/environment-archive.ts";
import type { Logger } from "../service-logger.ts";
import type { DocumentSource } from "../upstream/document-source.ts";
import type { FetchedDocument } from "../upstream/upstream-client.ts";
import { DocumentGuard } from "./document-guard.ts";
import { EnvironmentPoller, type PublishOutcome } from "./environment-poller.ts";
import { PublishLog } from "./publish-log.ts";
import type { RefreshLimiter } from "./refresh-limiter.ts";
import type { DataPlane } from "./served-environments.ts";
import { labelOf, serverKeyOf } from "./valid-server-key.ts";

/** An environment, as whoever has a document of it served sees it. */
export interface PublishTarget {
  /** Its number in the data plane. */
  readonly environment: number;
  readonly clientKey: string;
  /** The environment as logs name it now; holds no whole key. */
  readonly label: () => string;
  readonly log: PublishLog;
  readonly guard: DocumentGuard;
}

export interface EnvironmentDuty extends PublishTarget {
  readonly poller: EnvironmentPoller;
  /** Ends all that is done for it. */
  readonly stop: AbortController;
  keys: EnvironmentKeys;
  /** Settled when what was to be done before the first poll is done. */
  restoring: Promise<void>;
}

export interface EnvironmentDutyOptions {
  readonly upstream: DocumentSource;
  readonly reader: Pick<DocumentReader, "read">;
  readonly dataPlane: Pick<DataPlane, "publish" | "announce" | "setRefreshStatus">;
  /** Whether a document that lost more than half of its features has to come twice. */
  readonly holdsBackShrunk: boolean;
  readonly limiter: RefreshLimiter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Null: nothing outlives the process. */
  readonly archive: Pick<EnvironmentArchive, "keep" | "confirm"> | null;
}

/**
 * @param environment its number in the data plane, which knows of it already
 * @param settings asked before each refresh and each wait
 * @returns what does nothing yet: whoever has made it starts the poller
 */
export function createDuty(
  environment: number,
  keys: EnvironmentKeys,
  settings: () => PollSettings,
  options: EnvironmentDutyOptions,
): EnvironmentDuty {
  const { upstream, dataPlane, holdsBackShrunk, limiter, clock, logger, random, archive } = options;
  const { clientSideKey: clientKey } = keys;
  const label = () => labelOf(duty.keys, clock);
  const log = new PublishLog({ label, clientKey, logger });
  const guard = new DocumentGuard(clientKey, holdsBackShrunk);
  const target = { environment, clientKey, label, log, guard };
  const poller = new EnvironmentPoller({
    label,
    serverKey: () => serverKeyOf(duty.keys, clock),
    upstream,
    publish: (fetched, signal) => readAndPublish(target, fetched, options, signal),
    onStatus: (status) => {
      if (!duty.stop.signal.aborted) dataPlane.setRefreshStatus(environment, status);
    },
    onConfirmed: () => {
      if (duty.stop.signal.aborted) return;
      target.guard.confirmedServed();
      archive?.confirm(clientKey);
    },
    limiter,
    clock,
    random,
    logger,
    settings,
  });
  const duty = { ...target, poller, keys, stop: new AbortController(), restoring: Promise.resolve() };
  return duty;
}

/** Ends all that is done for it, and resolves when nothing is being done any more; never rejects. */
export async function endDuty({ poller, restoring, stop }: EnvironmentDuty): Promise<void> {
  stop.abort();
  await poller[Symbol.asyncDispose]();
  await restoring;
}

/**
 * @param signal ends the reading; what is being served already is announced all the same
 * @throws what `EnvironmentPollerOptions.publish` may
 */
async function readAndPublish(
  { environment, clientKey, label, log, guard }: PublishTarget,
  { pages, lastModified }: FetchedDocument,
  { archive, clock, dataPlane, reader }: EnvironmentDutyOptions,
  signal: AbortSignal,
): Promise<PublishOutcome> {
  const startMs = clock.monotonicMs();
  const receivedAt = clock.wallTime();
  const packed = await reader.read({ pages, label: label(), signal }).catch(refusalOf);
  if (packed instanceof UpstreamError) return { refusal: packed };
  const refusal = guard.refusalOf(packed);
  if (refusal !== null) return { refusal };
  guard.confirm(packed);
  signal.throwIfAborted();
  const document = { packed, lastModified, receivedAt };
  const report = await dataPlane.publish(environment, document);
  dataPlane.announce(environment, report.version);
  signal.throwIfAborted();
  guard.accepted(packed);
  log.published(report, clock.monotonicMs() - startMs);
  archive?.keep(clientKey, document);
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
