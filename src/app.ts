/**
 * The HTTP application: which route answers what. It does no I/O and owns no state, so that tests call it
 * without a socket.
 */
import { Hono } from "hono";
import { createBulkIdentitiesRoute } from "./routes/api/bulk-identities-route.ts";
import { createEnvironmentDocumentRoute } from "./routes/api/environment-document-route.ts";
import { createFlagsRoute } from "./routes/api/flags-route.ts";
import { createGetIdentitiesRoute, createPostIdentitiesRoute } from "./routes/api/identities-route.ts";
import { createErrorResponder, internalErrorResponse } from "./routes/error-responses.ts";
import { createHealthRoute, createLivenessRoute } from "./routes/health-routes.ts";
import type { AppContext, AppEnvironment } from "./routes/http-context.ts";
import { RequestAbortedError } from "./routes/request-body.ts";
import { createPathReader } from "./routes/request-path.ts";
import type { RouteDependencies } from "./routes/route-dependencies.ts";
import { createUnmatchedRoute } from "./routes/unmatched-route.ts";
import type { Logger } from "./services/service-logger.ts";

export interface AppDependencies extends Omit<RouteDependencies, "respondError"> {
  readonly logger: Logger;
}

const flagsPath = "/api/v1/flags";
const identitiesPath = "/api/v1/identities";
const bulkIdentitiesPath = "/api/v1/bulk-identities";
const documentPath = "/api/v1/environment-document";

/** The routes that read bodies. */
export const bodyPaths = [identitiesPath, bulkIdentitiesPath];

/** The routes of GET whose answers are ready when they are asked for. */
export const readPaths = [flagsPath, identitiesPath, documentPath];

const livenessPath = "/proxy/health/liveness";
const readinessPaths = ["/health", "/proxy/health", "/proxy/health/readiness"];

export const healthPaths = [...readinessPaths, livenessPath];

type Handler = (context: AppContext) => Response | Promise<Response>;

/** Routes are declared without a trailing slash and answer with one too (contract A1). */
export function createApp(dependencies: AppDependencies): Hono<AppEnvironment> {
  const { cors, limits, logger } = dependencies;
  const respondError = createErrorResponder(cors, limits.bodyBytesMax);
  const routeDependencies: RouteDependencies = { ...dependencies, respondError };
  const methodsByPath = new Map<string, string[]>();
  const declaredPaths = { [Symbol.iterator]: () => methodsByPath.keys() };
  const app = new Hono<AppEnvironment>({ getPath: createPathReader(declaredPaths) });
  const mount = (method: "GET" | "POST", path: string, handler: Handler): void => {
    app.on(method, path, handler);
    const methods = methodsByPath.get(path) ?? ["OPTIONS"];
    methodsByPath.set(path, [...(method === "GET" ? ["GET", "HEAD"] : [method]), ...methods]);
  };

  mount("GET", flagsPath, createFlagsRoute(routeDependencies));
  mount("POST", identitiesPath, createPostIdentitiesRoute(routeDependencies));
  mount("GET", identitiesPath, createGetIdentitiesRoute(routeDependencies));
  mount("POST", bulkIdentitiesPath, createBulkIdentitiesRoute(routeDependencies));
  mount("GET", documentPath, createEnvironmentDocumentRoute(routeDependencies));
  const health = createHealthRoute(routeDependencies);
  for (const path of readinessPaths) mount("GET", path, health);
  mount("GET", livenessPath, createLivenessRoute(routeDependencies));

  app.notFound(createUnmatchedRoute(routeDependencies, methodsByPath));
  app.onError((error, context) => {
    // A client that went away is no event, however often it happens.
    if (!(error instanceof RequestAbortedError)) logger.error({ err: error }, "A request failed by a bug");
    return internalErrorResponse(context, cors);
  });
  return app;
}
