/**
 * The application as Node's server calls it, of the settings of one moment: whoever swaps it for that of
 * others changes them all at once. It keeps nothing from one request to the next.
 */
import { randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createApp, requestPaths } from "./app.ts";
import type { CorsHeaders } from "./cache/cors-headers.ts";
import type { Settings } from "./models/settings.ts";
import { malformedResponse } from "./routes/error-responses.ts";
import type { Admission } from "./routes/request-admission.ts";
import { createRequestListener } from "./routes/request-listener.ts";
import type { Clock } from "./services/clock.ts";
import type { NoticeTaker } from "./services/environments/data-plane-notice.ts";
import type { ServedEnvironments } from "./services/environments/served-environments.ts";
import { reportHealth } from "./services/health/health-report.ts";
import { TurnBudget } from "./services/listener/turn-budget.ts";
import type { ClientStreams } from "./services/realtime/client-streams.ts";
import type { Logger } from "./services/service-logger.ts";

/** What outlives the settings. */
export interface AppListenerParts {
  readonly environments: Pick<ServedEnvironments, "resolveKey" | "healthSources" | "discoverySource">;
  readonly streams: ClientStreams;
  readonly admit: Admission;
  readonly isDraining: () => boolean;
  /** Tells the control plane. */
  readonly notify: NoticeTaker;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @param cors of these settings */
export function createAppListener(
  { health, limits, poll, server, webhook }: Settings,
  cors: CorsHeaders,
  { environments, streams, admit, isDraining, notify, clock, logger }: AppListenerParts,
): RequestListener {
  const { resolveKey } = environments;
  const app = createApp({
    resolveKey,
    cors,
    clock,
    streams,
    limits,
    reportHealth: () =>
      reportHealth({
        settings: health,
        pollIntervalMs: poll.intervalMs,
        clock,
        sources: environments.healthSources,
        discovery: environments.discoverySource,
        isServing: () => true,
        isDraining,
      }),
    isAlive: () => true,
    hasTime: new TurnBudget(server.turnBudgetMs).hasTime,
    randomIdentifier: () => randomUUID().replaceAll("-", ""),
    webhook: { settings: webhook, notify },
    logger,
  });
  // The name stands in for all that clients send, or do not: no answer depends on it.
  const options = { hostname: "localhost", errorHandler: () => malformedResponse(cors) };
  return createRequestListener({
    fetch: app.fetch,
    general: getRequestListener(app.fetch, options),
    paths: requestPaths,
    server,
    limits,
    resolveKey,
    cors,
    admit,
  });
}
