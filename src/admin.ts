/**
 * Entry of the admin listener's thread: answers health on a port of its own from what the process that polls
 * tells it, so that no load on the data plane delays it. It serves no flags.
 */
import { parentPort, workerData } from "node:worker_threads";
import { getRequestListener } from "@hono/node-server";
import { createAdminApp } from "./app.ts";
import { prepareCors } from "./cache/cors-headers.ts";
import { malformedResponse } from "./routes/error-responses.ts";
import { withoutLegalHosts } from "./routes/request-host.ts";
import type { AdminOrder, AdminReport, AdminThreadData } from "./services/admin/admin-messages.ts";
import { WatchedEnvironments } from "./services/admin/watched-environments.ts";
import { systemClock } from "./services/clock.ts";
import { reportHealth } from "./services/health/health-report.ts";
import { HttpListener, ListenError } from "./services/listener/http-listener.ts";
import { createNodeServer } from "./services/listener/node-server.ts";
import type { Logger } from "./services/service-logger.ts";

if (parentPort !== null) await serve(workerData as AdminThreadData, parentPort);

async function serve(
  { settings: first }: AdminThreadData,
  parent: NonNullable<typeof parentPort>,
): Promise<void> {
  let settings = first;
  const { admin } = settings;
  if (admin === null) throw new Error("the settings have no admin listener");
  const clock = systemClock;
  const watched = new WatchedEnvironments(clock);
  const report = (message: AdminReport): void => parent.postMessage(message);
  const logger = loggerOf(report);
  const cors = prepareCors([]);
  const { healthSources: sources, discoverySource, isAlive, isDraining, isServing } = watched;
  const app = createAdminApp({
    cors,
    isAlive,
    reportHealth: () =>
      reportHealth({
        settings: settings.health,
        pollIntervalMs: settings.poll.intervalMs,
        clock,
        sources,
        discovery: discoverySource,
        isDraining,
        isServing,
      }),
    logger,
  });
  // The name stands in for all that clients send, or do not: no answer depends on it.
  const options = { hostname: "localhost", errorHandler: () => malformedResponse(cors) };
  const listener = withoutLegalHosts(getRequestListener(app.fetch, options));
  // The limit of connections is one of clients: probes are answered however many these have.
  const server = { ...settings.server, ...admin, connectionsMax: null, tls: null };
  const { server: nodeServer, allowClients } = createNodeServer(server, listener);
  parent.on("message", (order: AdminOrder) => {
    if (order.kind !== "settings") return watched.take(order);
    settings = order.settings;
    allowClients(settings.server.allowClients);
  });
  const httpListener = new HttpListener({
    server: nodeServer,
    section: "admin",
    settings: server,
    clock,
    logger,
  });
  try {
    report({ kind: "listening", url: await httpListener.listen() });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    report({ kind: "cannot-listen", message: error.message });
  }
}

/** Has the process log what there is to be said: it knows the level, and whether anybody reads. */
function loggerOf(report: (message: AdminReport) => void): Logger {
  const lineOf =
    (level: keyof Logger): Logger[typeof level] =>
    (fields, message) =>
      report({ kind: "line", level, fields, message });
  return { error: lineOf("error"), warn: lineOf("warn"), info: lineOf("info"), debug: lineOf("debug") };
}
