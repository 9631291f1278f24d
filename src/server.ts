/**
 * Composes the data plane: what answers requests from snapshots. It never asks the upstream; the control
 * plane tells it of documents. It decides nothing that a part could decide.
 */
import { randomUUID } from "node:crypto";
import { getRequestListener } from "@hono/node-server";
import { createApp, requestPaths } from "./app.ts";
import { prepareCors } from "./cache/cors-headers.ts";
import type { CertificatePair, Settings } from "./models/settings.ts";
import { malformedResponse } from "./routes/error-responses.ts";
import { createRequestListener } from "./routes/request-listener.ts";
import { systemClock } from "./services/clock.ts";
import type { NoticeTaker } from "./services/environments/data-plane-notice.ts";
import { createServedEnvironments, type DataPlane } from "./services/environments/served-environments.ts";
import { reportHealth } from "./services/health/health-report.ts";
import { logRequests } from "./services/listener/access-log.ts";
import { HttpListener } from "./services/listener/http-listener.ts";
import { createNodeServer } from "./services/listener/node-server.ts";
import { TurnBudget } from "./services/listener/turn-budget.ts";
import { ClientStreams } from "./services/realtime/client-streams.ts";
import type { Logger } from "./services/service-logger.ts";

/** The data plane of one process. Disposing it drains first: no request in flight is lost. */
export interface RunningServer extends AsyncDisposable {
  /** Takes documents, also before it listens. */
  readonly dataPlane: DataPlane;
  /**
   * @param port the setting's unless given
   * @returns where it listens, such as `http://127.0.0.1:8000`
   * @throws ListenError where the socket cannot be opened
   */
  listen(port?: number): Promise<string>;
  /** Connections that are accepted from now on get this certificate, where the settings ask for TLS. */
  renewCertificate(pair: CertificatePair): void;
  /** Makes a running drain end at once. */
  cutDrain(): void;
}

/** Makes a server; requests are answered 503 until their environment's first document is there. */
export function createServer(settings: Settings, logger: Logger, _notify: NoticeTaker): RunningServer {
  const clock = systemClock;
  const cors = prepareCors(settings.allowOrigins);
  const streams = new ClientStreams({ settings: settings.clientStreams, clock, random: Math.random });
  const environments = createServedEnvironments(cors.headerSet, settings.identityCache, clock, streams);
  const { resolveKey } = environments;
  const app = createApp({
    resolveKey,
    cors,
    clock,
    streams,
    limits: settings.limits,
    reportHealth: () =>
      reportHealth({
        settings: settings.health,
        pollIntervalMs: settings.poll.intervalMs,
        clock,
        sources: environments.healthSources,
        isServing: () => true,
        isDraining: () => httpListener.isDraining,
      }),
    isAlive: () => true,
    hasTime: new TurnBudget(settings.server.turnBudgetMs).hasTime,
    randomIdentifier: () => randomUUID().replaceAll("-", ""),
    logger,
  });
  // The name stands in for all that clients send, or do not: no answer depends on it.
  const options = { hostname: "localhost", errorHandler: () => malformedResponse(cors) };
  const listener = createRequestListener({
    fetch: app.fetch,
    general: getRequestListener(app.fetch, options),
    paths: requestPaths,
    server: settings.server,
    limits: settings.limits,
    resolveKey,
    cors,
    clock,
  });
  const { server, renewCertificate } = createNodeServer(settings.server, listener);
  const httpListener = new HttpListener({
    server,
    section: "server",
    settings: settings.server,
    clock,
    logger,
  });
  if (settings.logging.accessLog) {
    logRequests(server, { trustsForwardedFor: settings.server.proxyHeaders, clock, logger });
  }
  return {
    dataPlane: environments,
    listen: (port) => httpListener.listen(port),
    renewCertificate,
    cutDrain: () => httpListener.cutDrain(),
    [Symbol.asyncDispose]: () => streams.drainBeside(httpListener.drain(), settings.server.drainDelayMs),
  };
}
