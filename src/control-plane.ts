/**
 * Composes the control plane: what polls the upstream and tells the data plane. It never sees a request.
 */
import type { Settings } from "./models/settings.ts";
import { systemClock } from "./services/clock.ts";
import { DocumentReader } from "./services/documents/document-reader.ts";
import type { NoticeTaker } from "./services/environments/data-plane-notice.ts";
import { EnvironmentList, keysOfPair, type ListChanges } from "./services/environments/environment-list.ts";
import { EnvironmentPollers } from "./services/environments/environment-pollers.ts";
import { createRefreshLimiter } from "./services/environments/refresh-limiter.ts";
import type { DataPlane } from "./services/environments/served-environments.ts";
import { EnvironmentArchive } from "./services/persistence/environment-archive.ts";
import { UpstreamChanges } from "./services/realtime/upstream-changes.ts";
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
  const upstream = settings.isOffline
    ? new DocumentFiles(settings.environments, settings.upstream.documentBytesMax)
    : stack.use(new UpstreamClient({ settings: settings.upstream, userAgent, clock }));
  const streams = createStreams(settings, userAgent);
  stack.use(streams?.client);
  const changes: UpstreamChanges = stack.use(
    new UpstreamChanges({
      streams,
      jitterMs: settings.refreshJitterMs,
      refresh: (environment) => pollers.refresh(environment),
      setPace: (environment, intervalMs) => pollers.setPace(environment, intervalMs),
      clock,
      random: Math.random,
      logger,
    }),
  );
  const pollers = stack.use(
    new EnvironmentPollers({
      upstream,
      reader: new DocumentReader({ clock, logger }),
      dataPlane: changes.watch(dataPlane),
      poll: settings.poll,
      holdsBackShrunk: settings.upstream.holdsBackShrunk,
      limiter: createRefreshLimiter(settings.poll.concurrencyMax),
      clock,
      logger,
      random: Math.random,
      archive,
    }),
  );
  const list = new EnvironmentList(pollers);
  list.configure(settings.environments.map(keysOfPair));
  return {
    start: () => pollers.start(),
    reconfigure({ environments, poll }) {
      if (upstream instanceof DocumentFiles) upstream.setEnvironments(environments);
      pollers.setPoll(poll);
      const changes = list.configure(environments.map(keysOfPair));
      pollers.resume();
      return changes;
    },
    take: ({ environmentId }) => changes.wanted(environmentId),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** @returns null where the settings ask for no streams */
function createStreams({ upstream, upstreamEvents }: Settings, userAgent: string) {
  if (upstreamEvents === null) return null;
  const options = { settings: upstreamEvents, upstream, userAgent, clock: systemClock };
  return { settings: upstreamEvents, client: new EventStreamClient(options) };
}
