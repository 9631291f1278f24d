/**
 * Composes the control plane: what polls the upstream and tells the data plane. It never sees a request.
 */
import type { Settings } from "./models/settings.ts";
import { systemClock } from "./services/clock.ts";
import { DocumentReader } from "./services/documents/document-reader.ts";
import type { NoticeTaker } from "./services/environments/data-plane-notice.ts";
import { EnvironmentDiscovery } from "./services/environments/environment-discovery.ts";
import { EnvironmentList, keysOfPair } from "./services/environments/environment-list.ts";
import { createRefreshLimiter } from "./services/environments/environment-poller.ts";
import { EnvironmentPollers } from "./services/environments/environment-pollers.ts";
import type { DataPlane } from "./services/environments/served-environments.ts";
import { DiscoveredArchive } from "./services/persistence/discovered-archive.ts";
import { EnvironmentArchive } from "./services/persistence/environment-archive.ts";
import type { Logger } from "./services/service-logger.ts";
import { DocumentFiles } from "./services/upstream/document-files.ts";
import { UpstreamClient } from "./services/upstream/upstream-client.ts";

/** What polls. Disposing of it ends refreshes and closes connections. */
export interface ControlPlane extends AsyncDisposable {
  /** Serves what the archive has, and begins to poll. */
  start(): void;
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
  const client = settings.isOffline
    ? null
    : stack.use(new UpstreamClient({ settings: settings.upstream, userAgent, clock }));
  const upstream = client ?? new DocumentFiles(settings.environments, settings.upstream.documentBytesMax);
  const pollers = stack.use(
    new EnvironmentPollers({
      upstream,
      reader: new DocumentReader({ clock, logger }),
      dataPlane,
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
  const { proxyKey } = settings.upstream;
  const shared = { poll: settings.poll, clock, logger, random: Math.random, dataPlane };
  const discovery =
    proxyKey === null
      ? null
      : stack.use(
          new EnvironmentDiscovery({
            ...shared,
            upstream: client,
            list,
            archive:
              archive === null
                ? null
                : new DiscoveredArchive({ records: archive.records, proxyKey, clock, logger }),
          }),
        );
  return {
    start: () => {
      pollers.start(discovery?.attempted);
      discovery?.start();
    },
    take: ({ environmentId }) => void pollers.refresh(environmentId),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
