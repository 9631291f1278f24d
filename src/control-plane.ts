/**
 * Composes the control plane: what polls the upstream and tells the data plane. It never sees a request.
 */
import { randomUUID } from "node:crypto";
import type { Settings } from "./models/settings.ts";
import { type Clock, systemClock } from "./services/clock.ts";
import { DocumentReader } from "./services/documents/document-reader.ts";
import type { NoticeTaker } from "./services/environments/data-plane-notice.ts";
import { EnvironmentDiscovery } from "./services/environments/environment-discovery.ts";
import { EnvironmentList, keysOfPair, type ListChanges } from "./services/environments/environment-list.ts";
import { EnvironmentPollers } from "./services/environments/environment-pollers.ts";
import { limitedUpstream } from "./services/environments/limited-upstream.ts";
import { shareUpstream, type UpstreamPlaces } from "./services/environments/refresh-limiter.ts";
import type { DataPlane } from "./services/environments/served-environments.ts";
import { DiscoveredArchive } from "./services/persistence/discovered-archive.ts";
import { EnvironmentArchive } from "./services/persistence/environment-archive.ts";
import { UsageArchive } from "./services/persistence/usage-archive.ts";
import { UpstreamChanges } from "./services/realtime/upstream-changes.ts";
import { UsageReports } from "./services/reporting/usage-reports.ts";
import type { Logger } from "./services/service-logger.ts";
import { DocumentFiles } from "./services/upstream/document-files.ts";
import { EventStreamClient } from "./services/upstream/event-stream-client.ts";
import { UpstreamClient } from "./services/upstream/upstream-client.ts";

/** What polls. Disposing of it ends refreshes and closes connections. */
export interface ControlPlane extends AsyncDisposable {
  /** Serves what the archive has, and begins to poll. */
  start(): void;
  /**
   * Environments, their keys and how they are polled are as these settings say from now on.
   * @returns what has changed with the environments
   */
  reconfigure(settings: Settings): ListChanges;
  /** Takes what a data plane tells. */
  readonly take: NoticeTaker;
  /** An end that waits for the upstream waits no longer. */
  cut(): void;
}

/**
 * Tells the data plane which environments there are; each is polled once, whatever number of workers the data
 * plane has. Nothing is polled before `start`.
 * @param dataPlane told of each environment, each document and each refresh
 * @param version of this program, for the upstream's logs
 */
export function createControlPlane(
  settings: Settings,
  dataPlane: DataPlane,
  logger: Logger,
  version: string,
): ControlPlane {
  const stack = new AsyncDisposableStack();
  const clock = systemClock;
  const userAgent = `flag-edge-proxy/${version}`;
  const { storage } = settings;
  // Disposed of after the pollers: the last documents are written then.
  const archive = storage === null ? null : stack.use(new EnvironmentArchive({ ...storage, clock, logger }));
  const client = settings.isOffline
    ? null
    : stack.use(new UpstreamClient({ settings: settings.upstream, userAgent, clock }));
  const { documentBytesMax } = settings.upstream;
  const upstream = client ?? new DocumentFiles(settings.environments, documentBytesMax, clock);
  const places = shareUpstream(settings.poll.concurrencyMax, settings.upstream.proxyKey !== null);
  const ours = { settings, stack, archive, dataPlane, userAgent };
  const parts = { ...ours, places, clock, random: Math.random, logger };
  const streams = createStreams(parts);
  const { changes, pollers } = createPollers(parts, upstream, streams);
  const list = new EnvironmentList(pollers);
  list.configure(settings.environments.map(keysOfPair));
  const { discovery, usage } = serveProxyKey(parts, client, { list, pollers });
  return {
    start: () => {
      pollers.start(discovery?.attempted);
      discovery?.start();
      usage?.start();
    },
    reconfigure({ environments, poll, upstream: timeLimits }) {
      client?.setTimeLimits(timeLimits);
      streams?.client.setTimeLimits(timeLimits);
      if (upstream instanceof DocumentFiles) upstream.setEnvironments(environments);
      pollers.setPoll(poll);
      discovery?.setPoll(poll);
      const changed = list.configure(environments.map(keysOfPair));
      pollers.resume();
      return changed;
    },
    take: (notice) => {
      if (notice.kind === "usage") usage?.add(notice.rows);
      else changes.wanted(notice.environmentId);
    },
    cut: () => usage?.cut(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** What all parts are made of. */
interface ControlPlaneParts {
  readonly settings: Settings;
  readonly stack: AsyncDisposableStack;
  /** Null: nothing outlives the process. */
  readonly archive: EnvironmentArchive | null;
  readonly dataPlane: DataPlane;
  readonly userAgent: string;
  /** Of all that is asked of the upstream. */
  readonly places: UpstreamPlaces;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** The pollers, and what has them refresh where the upstream tells of a change. */
function createPollers(
  parts: ControlPlaneParts,
  upstream: UpstreamClient | DocumentFiles,
  streams: ReturnType<typeof createStreams>,
) {
  const { settings, stack, archive, dataPlane, places, clock, random, logger } = parts;
  const shared = { clock, random, logger };
  const changes: UpstreamChanges = stack.use(
    new UpstreamChanges({
      ...shared,
      streams,
      jitterMs: settings.refreshJitterMs,
      refresh: (environment) => pollers.refresh(environment),
      setPace: (environment, intervalMs) => pollers.setPace(environment, intervalMs),
    }),
  );
  const pollers = stack.use(
    new EnvironmentPollers({
      ...shared,
      upstream,
      reader: new DocumentReader({ clock, logger }),
      dataPlane: changes.watch(dataPlane),
      poll: settings.poll,
      holdsBackShrunk: settings.upstream.holdsBackShrunk,
      limiter: places.documents,
      archive,
    }),
  );
  return { changes, pollers };
}

/** @returns what event streams need; null where the settings ask for none */
function createStreams({ settings, stack, userAgent, clock }: ControlPlaneParts) {
  const { upstream, upstreamEvents } = settings;
  if (upstreamEvents === null) return null;
  const client = new EventStreamClient({ settings: upstreamEvents, upstream, userAgent, clock });
  return { settings: upstreamEvents, client: stack.use(client) };
}

/**
 * What only a proxy key asks for: environments are discovered, and usage is reported.
 * @param client null: offline
 */
function serveProxyKey(
  { settings, stack, archive, dataPlane, places, clock, random, logger }: ControlPlaneParts,
  client: UpstreamClient | null,
  { list, pollers }: { readonly list: EnvironmentList; readonly pollers: EnvironmentPollers },
) {
  const { proxyKey } = settings.upstream;
  if (proxyKey === null) return { discovery: null, usage: null };
  const shared = { poll: settings.poll, clock, random, logger };
  const upstream = client === null ? null : limitedUpstream(client, places);
  const kept = archive === null ? null : { records: archive.records, clock, logger };
  const discovery = new EnvironmentDiscovery({
    ...shared,
    upstream,
    list,
    dataPlane: {
      setEnvironmentsKnown: (areKnown) => pollers.setEnvironmentsKnown(areKnown),
      setDiscoveryStatus: (status) => dataPlane.setDiscoveryStatus(status),
    },
    archive: kept === null ? null : new DiscoveredArchive({ ...kept, proxyKey }),
  });
  stack.use(discovery);
  if (settings.usage === null || upstream === null) return { discovery, usage: null };
  const usage = new UsageReports({
    ...shared,
    ...settings.usage,
    upstream,
    archive: kept === null ? null : new UsageArchive(kept),
    createId: randomUUID,
  });
  stack.use(usage);
  return { discovery, usage };
}
