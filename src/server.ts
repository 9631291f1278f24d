/**
 * Composes the data plane: what answers requests from snapshots. It never asks the upstream; the control
 * plane tells it of documents. It decides nothing that a part could decide.
 */
import { randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createApp, requestPaths } from "./app.ts";
import { prepareCors } from "./cache/cors-headers.ts";
import { snapshotSettingsOf } from "./cache/snapshot-settings.ts";
import { SnapshotStore } from "./cache/snapshot-store.ts";
import type { Settings } from "./models/settings.ts";
import { malformedResponse } from "./routes/error-responses.ts";
import { createAdmission } from "./routes/request-admission.ts";
import { createRequestListener } from "./routes/request-listener.ts";
import { systemClock } from "./services/clock.ts";
import type { NoticeTaker } from "./services/environments/data-plane-notice.ts";
import { ServedEnvironments } from "./services/environments/served-environments.ts";
import { SnapshotPublisher } from "./services/environments/snapshot-publisher.ts";
import { reportHealth } from "./services/health/health-report.ts";
import { logRequests } from "./services/listener/access-log.ts";
import { HttpListener } from "./services/listener/http-listener.ts";
import { createNodeServer } from "./services/listener/node-server.ts";
import { TurnBudget } from "./services/listener/turn-budget.ts";
import type { RunningServer } from "./services/running-server.ts";
import type { Logger } from "./services/service-logger.ts";

/** Makes a server; requests are answered 503 until their environment's first document is there. */
export function createServer(settings: Settings, logger: Logger, _notify: NoticeTaker): RunningServer {
  const clock = systemClock;
  let { headerSet } = prepareCors(settings.allowOrigins);
  const store = new SnapshotStore();
  const snapshotSettings = () => snapshotSettingsOf(headerSet, settings.identityCache, store.slots);
  const publisher = new SnapshotPublisher({ store, snapshotSettings, clock });
  const environments = new ServedEnvironments(store, publisher, clock);
  const { resolveKey } = environments;
  const { proxyHeaders } = settings.server;
  const admit = createAdmission({ healthPaths: requestPaths.health, proxyHeaders, resolveKey, clock });
  /** All that follows from settings which change, made anew: a request meets those of one moment. */
  const listenerFor = ({ allowOrigins, health, limits, poll, server }: Settings): RequestListener => {
    const cors = prepareCors(allowOrigins);
    headerSet = cors.headerSet;
    const app = createApp({
      resolveKey,
      cors,
      limits,
      reportHealth: () =>
        reportHealth({
          settings: health,
          pollIntervalMs: poll.intervalMs,
          clock,
          sources: environments.healthSources,
          isServing: () => true,
          isDraining: () => httpListener.isDraining,
        }),
      isAlive: () => true,
      hasTime: new TurnBudget(server.turnBudgetMs).hasTime,
      randomIdentifier: () => randomUUID().replaceAll("-", ""),
      logger,
    });
    // The name stands in for all that clients send, or do not: no answer depends on it.
    const options = { hostname: "localhost", errorHandler: () => malformedResponse(cors) };
    const general = getRequestListener(app.fetch, options);
    const { fetch } = app;
    return createRequestListener({
      fetch,
      general,
      paths: requestPaths,
      server,
      limits,
      resolveKey,
      cors,
      admit,
    });
  };
  const node = createNodeServer(settings.server, listenerFor(settings));
  const httpListener = new HttpListener({
    server: node.server,
    section: "server",
    settings: settings.server,
    clock,
    logger,
  });
  if (settings.logging.accessLog) {
    logRequests(node.server, { trustsForwardedFor: proxyHeaders, clock, logger });
  }
  return {
    dataPlane: environments,
    listen: (port) => httpListener.listen(port),
    reconfigure(next) {
      node.allowClients(next.server.allowClients);
      node.swapListener(listenerFor(next));
    },
    renewCertificate: node.renewCertificate,
    cutDrain: () => httpListener.cutDrain(),
    [Symbol.asyncDispose]: () => httpListener.drain(),
  };
}
