/**
 * Serves what the last process served, until the upstream has answered. It must not keep an environment from
 * being polled, whatever the disk does.
 */
import type { Clock } from "../clock.ts";
import type { DocumentReader } from "../documents/document-reader.ts";
import type { EnvironmentArchive } from "../persistence/environment-archive.ts";
import type { Logger } from "../service-logger.ts";
import { settlesWithin } from "../time-limit.ts";
import type { PublishTarget } from "./environment-duty.ts";
import type { EnvironmentPoller } from "./environment-poller.ts";
import { archivedStatus } from "./refresh-status.ts";
import type { DataPlane } from "./served-environments.ts";

/** So long a start waits for the archive, in milliseconds. */
const findMsMax = 10_000;

/** An environment that is not polled yet. */
export interface RestoredEnvironment extends PublishTarget {
  readonly poller: Pick<EnvironmentPoller, "beginWith">;
}

interface RestoreOptions {
  /** Null: there is none. */
  readonly archive: Pick<EnvironmentArchive, "find"> | null;
  readonly clock: Clock;
  readonly dataPlane: Pick<DataPlane, "publish" | "announce">;
  readonly logger: Logger;
  readonly reader: Pick<DocumentReader, "read">;
}

/**
 * @param stop ends it at once
 * @returns whether an archived document is being served; it never rejects
 */
export async function restoreEnvironment(
  restored: RestoredEnvironment,
  options: RestoreOptions,
  stop: AbortSignal,
): Promise<boolean> {
  try {
    return await restore(restored, options, stop);
  } catch (error) {
    if (stop.aborted) return false;
    const reason = error instanceof Error ? error.message : String(error);
    options.logger.warn({ environment: restored.label(), reason }, "The archived document cannot be served");
    return false;
  }
}

async function restore(
  restored: RestoredEnvironment,
  options: RestoreOptions,
  stop: AbortSignal,
): Promise<boolean> {
  const { environment, label, log, guard, poller } = restored;
  const { clock, dataPlane, logger, reader } = options;
  const startMs = clock.monotonicMs();
  const found = await findInTime(restored, options, stop);
  if (found === null || stop.aborted) return false;
  const { confirmedAt, document, isPacked } = found;
  const pages = [[document.packed.body]];
  const packed = isPacked ? document.packed : await reader.read({ pages, label: label(), signal: stop });
  stop.throwIfAborted();
  const report = await dataPlane.publish(environment, { ...document, packed });
  dataPlane.announce(environment, report.version);
  guard.accepted(packed);
  poller.beginWith(archivedStatus(confirmedAt, clock));
  logger.warn(
    { environment: label(), confirmedAt: confirmedAt.toISOString() },
    "Serving the archived document until the upstream has answered",
  );
  log.published(report, clock.monotonicMs() - startMs);
  return true;
}

async function findInTime(
  { label, clientKey }: RestoredEnvironment,
  { archive, clock, logger }: RestoreOptions,
  stop: AbortSignal,
) {
  if (archive === null) return null;
  const finding = archive.find(clientKey);
  if (await settlesWithin(finding, findMsMax, clock, stop)) return await finding;
  if (!stop.aborted) logger.warn({ environment: label() }, "The archive does not answer: polling begins");
  return null;
}
