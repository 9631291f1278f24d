/**
 * The composition root: builds every part in order and hands each its own slice of the settings. It decides
 * nothing that a part could decide.
 */
import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { createApp } from "./app.ts";
import { prepareCors } from "./cache/cors-headers.ts";
import { sharedBetween } from "./cache/identity-response-cache.ts";
import { SnapshotStore } from "./cache/snapshot-store.ts";
import type { Settings } from "./models/settings.ts";
import { systemClock } from "./services/clock.ts";
import { createRefreshLimiter } from "./services/environments/environment-poller.ts";
import { serveEnvironments } from "./services/environments/served-environments.ts";
import { reportHealth } from "./services/health/health-report.ts";
import { logRequests } from "./services/listener/access-log.ts";
import { HttpListener, serverOptions } from "./services/listener/http-listener.ts";
import type { Logger } from "./services/service-logger.ts";
import { UpstreamClient } from "./services/upstream/upstream-client.ts";

/** A proxy that listens. Disposing it drains first: no request in flight is lost. */
export interface RunningServer extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Makes a running drain end at once. */
  cutDrain(): void;
}

/**
 * Listens, then begins to poll: requests are answered 503 until the first document is there.
 * @param version of this program, for the upstream's logs
 * @throws ListenError where the socket cannot be opened
 */
export async function startServer(
  settings: Settings,
  logger: Logger,
  version: string,
): Promise<RunningServer> {
  const clock = systemClock;
  await using stack = new AsyncDisposableStack();
  const cors = prepareCors(settings.allowOrigins);
  const store = new SnapshotStore();
  const identityCache = sharedBetween(settings.environments.length * 2, settings.identityCache);
  const userAgent = `flag-edge-proxy/${version}`;
  const upstream = stack.use(new UpstreamClient({ settings: settings.upstream, userAgent, clock }));
  const environments = stack.use(
    serveEnvironments(settings.environments, {
      store,
      upstream,
      snapshotSettings: { headerSet: cors.headerSet, identityCache },
      poll: settings.poll,
      limiter: createRefreshLimiter(settings.poll.concurrencyMax),
      clock,
      logger,
      random: Math.random,
    }),
  );
  const app = createApp({
    resolveKey: environments.resolveKey,
    cors,
    limits: settings.limits,
    reportHealth: () =>
      reportHealth({
        settings: settings.health,
        pollIntervalMs: settings.poll.intervalMs,
        clock,
        sources: environments.healthSources,
        isDraining: () => listener.isDraining,
      }),
    randomIdentifier: () => randomUUID().replaceAll("-", ""),
    logger,
  });
  const server = createAdaptorServer({
    fetch: app.fetch,
    // Stands in where HTTP/1.0 probes send no Host; no answer depends on it.
    hostname: "localhost",
    serverOptions: serverOptions(settings.server),
  }) as Server;
  const listener = new HttpListener({ server, settings: settings.server, clock, logger });
  if (settings.logging.accessLog) {
    logRequests(server, { trustsForwardedFor: settings.server.proxyHeaders, clock, logger });
  }
  const { address, family, port } = await listener.listen();
  stack.defer(() => listener.drain());
  environments.start();
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  logger.info(
    { url, environments: settings.environments.length, upstream: settings.upstream.apiUrl },
    "Listening",
  );
  const owned = stack.move();
  return { url, cutDrain: () => listener.cutDrain(), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
