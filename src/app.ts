/**
 * The HTTP application: which route answers what. It does no I/O and owns no state, so that tests call it
 * without a socket.
 */
import { Hono } from "hono";
import type { WebhookSettings } from "./models/settings.ts";
import { createBulkIdentitiesRoute } from "./routes/api/bulk-identities-route.ts";
import { createEnvironmentDocumentRoute } from "./routes/api/environment-document-route.ts";
import { createFlagsRoute } from "./routes/api/flags-route.ts";
import { createGetIdentitiesRoute, createPostIdentitiesRoute } from "./routes/api/identities-route.ts";
import { createErrorResponder, internalErrorResponse } from "./routes/error-responses.ts";
import { createHealthRoute, createLivenessRoute } from "./routes/health-routes.ts";
import type { AppContext, AppEnvironment } from "./routes/http-context.ts";
import { createStreamRoute, type StreamRouteDependencies } from "./routes/realtime/stream-route.ts";
import { streamKeyOf, streamPath } from "./routes/realtime/stream-target.ts";
import { RequestAbortedError } from "./routes/request-body.ts";
import { createPathReader } from "./routes/request-path.ts";
import type { RouteDependencies } from "./routes/route-dependencies.ts";
import { createUnmatchedRoute } from "./routes/unmatched-route.ts";
import { createWebhookRoute, webhookPath } from "./routes/webhook-route.ts";
import type { NoticeTaker } from "./services/environments/data-plane-notice.ts";
import type { Logger } from "./services/service-logger.ts";

/** What the application is made of. */
export interface AppDependencies
  extends Omit<RouteDependencies, "respondError">,
    Pick<StreamRouteDependencies, "streams" | "clock"> {
  readonly logger: Logger;
  /** Where there are no settings there is no such route. */
  readonly webhook?: { readonly settings: WebhookSettings | null; readonly notify: NoticeTaker };
}

/** What the application of the admin listener is made of: it knows no environment. */
export type AdminAppDependencies = Pick<AppDependencies, "cors" | "reportHealth" | "isAlive" | "logger">;

const flagsPath = "/api/v1/flags";
const identitiesPath = "/api/v1/identities";
const bulkIdentitiesPath = "/api/v1/bulk-identities";
const documentPath = "/api/v1/environment-document";

const livenessPath = "/proxy/health/liveness";
const readinessPaths = ["/health", "/proxy/health", "/proxy/health/readiness"];

/** Routes by what they do, for whoever brings requests to them. */
export const requestPaths = {
  /** They read bodies. */
  body: [identitiesPath, bulkIdentitiesPath],
  /** Of GET: their answers are ready when they are asked for. */
  read: [flagsPath, identitiesPath, documentPath],
  health: [...readinessPaths, livenessPath],
};

type Handler = (context: AppContext) => Response | Promise<Response>;

/** Routes are declared without a trailing slash and answer with one too (contract A1). */
export function createApp(dependencies: AppDependencies): Hono<AppEnvironment> {
  const { cors, limits, logger } = dependencies;
  const respondError = createErrorResponder(cors, limits.bodyBytesMax);
  const routeDependencies = { ...dependencies, respondError };
  return createRouter({ cors, logger, respondError }, (mount) => {
    mount("GET", flagsPath, createFlagsRoute(routeDependencies));
    mount("POST", identitiesPath, createPostIdentitiesRoute(routeDependencies));
    mount("GET", identitiesPath, createGetIdentitiesRoute(routeDependencies));
    mount("POST", bulkIdentitiesPath, createBulkIdentitiesRoute(routeDependencies));
    mount("GET", documentPath, createEnvironmentDocumentRoute(routeDependencies));
    mount("GET", streamPath, createStreamRoute(routeDependencies));
    mountHealth(mount, dependencies);
    const { settings = null, notify } = dependencies.webhook ?? {};
    if (settings === null || notify === undefined) return;
    const webhook = createWebhookRoute({ ...routeDependencies, settings, notify, logger });
    mount("POST", webhookPath(settings), webhook);
  });
}

/** What the admin listener answers: nothing that needs a key. */
export function createAdminApp(dependencies: AdminAppDependencies): Hono<AppEnvironment> {
  const { cors, logger } = dependencies;
  // It has no use for a body, however short.
  const respondError = createErrorResponder(cors, 0);
  return createRouter({ cors, logger, respondError }, (mount) => mountHealth(mount, dependencies));
}

type Mount = (method: "GET" | "POST", path: string, handler: Handler) => void;

function mountHealth(mount: Mount, dependencies: AdminAppDependencies): void {
  const health = createHealthRoute(dependencies);
  for (const path of readinessPaths) mount("GET", path, health);
  mount("GET", livenessPath, createLivenessRoute(dependencies));
}

function createRouter(
  {
    cors,
    logger,
    respondError,
  }: Pick<RouteDependencies, "cors" | "respondError"> & Pick<AppDependencies, "logger">,
  mountAll: (mount: Mount) => void,
): Hono<AppEnvironment> {
  const methodsByPath = new Map<string, string[]>();
  const declaredPaths = { [Symbol.iterator]: () => methodsByPath.keys() };
  const app = new Hono<AppEnvironment>({ getPath: createPathReader(declaredPaths) });
  mountAll((method, path, handler) => {
    app.on(method, path, handler);
    const methods = methodsByPath.get(path) ?? ["OPTIONS"];
    methodsByPath.set(path, [...(method === "GET" ? ["GET", "HEAD"] : [method]), ...methods]);
  });
  const methodsOf = (path: string) => methodsByPath.get(streamKeyOf(path) === null ? path : streamPath);
  app.notFound(createUnmatchedRoute({ cors, respondError }, methodsOf));
  app.onError((error, context) => {
    // A client that went away is no event, however often it happens.
    if (!(error instanceof RequestAbortedError)) logger.error({ err: error }, "A request failed by a bug");
    return internalErrorResponse(context, cors);
  });
  return app;
}
