/**
 * Composes the data plane: what answers requests from snapshots. It never asks the upstream; the control
 * plane tells it of documents. It decides nothing that a part could decide.
 */
import type { RequestListener } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { requestPaths } from "./app.ts";
import { createAppListener } from "./app-listener.ts";
import { prepareCors } from "./cache/cors-headers.ts";
import { snapshotSettingsOf } from "./cache/snapshot-settings.ts";
import { SnapshotStore } from "./cache/snapshot-store.ts";
import type { Settings } from "./models/settings.ts";
import { createAdmission } from "./routes/request-admission.ts";
import { systemClock } from "./services/clock.ts";
import type { NoticeTaker } from "./services/environments/data-plane-notice.ts";
import { ServedEnvironments } from "./services/environments/served-environments.ts";
import { SnapshotPublisher } from "./services/environments/snapshot-publisher.ts";
import { logRequests } from "./services/listener/access-log.ts";
import { HttpListener } from "./services/listener/http-listener.ts";
import { createNodeServer } from "./services/listener/node-server.ts";
import { ClientStreams } from "./services/realtime/client-streams.ts";
import { UsageNotices } from "./services/reporting/usage-notices.ts";
import type { RunningServer } from "./services/running-server.ts";
import type { Logger } from "./services/service-logger.ts";

/** Makes a server; requests are answered 503 until their environment's first document is there. */
export function createServer(settings: Settings, logger: Logger, notify: NoticeTaker): RunningServer {
  const clock = systemClock;
  let cors = prepareCors(settings.allowOrigins);
  let limits = settings.limits;
  const store = new SnapshotStore();
  const snapshotSettings = () => snapshotSettingsOf(cors.headerSet, settings.identityCache, store.slots);
  const publisher = new SnapshotPublisher({ store, snapshotSettings, clock });
  const streams = new ClientStreams({ settings: settings.clientStreams, clock, random: Math.random });
  const environments = new ServedEnvironments(store, publisher, clock, streams);
  const { resolveKey } = environments;
  const { proxyHeaders } = settings.server;
  const admit = createAdmission({ healthPaths: requestPaths.health, proxyHeaders, resolveKey, clock });
  const isDraining = () => httpListener.isDraining;
  const listenBy = (current: Settings): RequestListener =>
    createAppListener(current, cors, { environments, streams, admit, isDraining, notify, clock, logger });
  const node = createNodeServer(settings.server, listenBy(settings));
  const usage = new UsageNotices({ settings: settings.usage, take: environments.takeUsage, notify, clock });
  const httpListener = new HttpListener({
    server: node.server,
    section: "server",
    settings: settings.server,
    clock,
    logger,
  });
  if (settings.logging.accessLog) logRequests(node.server, { proxyHeaders, clock, logger });
  return {
    dataPlane: environments,
    listen: (port) => usage.beginAfter(httpListener.listen(port)),
    reconfigure(next) {
      cors = prepareCors(next.allowOrigins);
      node.allowClients(next.server.allowClients);
      node.swapListener(listenBy(next));
      if (!isDeepStrictEqual(next.limits, limits)) store.clearIdentityResponses();
      limits = next.limits;
    },
    renewCertificate: node.renewCertificate,
    cutDrain: () => httpListener.cutDrain(),
    async [Symbol.asyncDispose]() {
      await streams.drainBeside(httpListener.drain(), settings.server.drainDelayMs);
      await usage[Symbol.asyncDispose]();
    },
  };
}
