/**
 * What no route took: preflights of any path, wrong methods of known paths, unknown paths (contract A3, A8).
 */
import { RequestError } from "../models/errors.ts";
import { type AppContext, requestHeader } from "./http-context.ts";
import type { RouteDependencies } from "./route-dependencies.ts";

/** @param methodsOf the methods of a known path; the router has taken its trailing slash away */
export function createUnmatchedRoute(
  { cors, respondError }: Pick<RouteDependencies, "cors" | "respondError">,
  methodsOf: (path: string) => readonly string[] | undefined,
) {
  return (context: AppContext): Response => {
    const methods = methodsOf(context.req.path);
    const isOptions = context.req.method === "OPTIONS";
    const isPreflight = isOptions && requestHeader(context, "access-control-request-method") !== null;
    // A page is told what is wrong by the answer to the request itself, so any path may be asked about.
    if (isPreflight || (isOptions && methods !== undefined)) return answerOptions(context, methods);
    if (methods === undefined) return respondError(context, new RequestError("not_found", "no such route"));
    const error = new RequestError("method_not_allowed", `this route takes ${methods.join(", ")}`);
    return respondError(context, error, { allow: methods.join(", ") });
  };

  function answerOptions(context: AppContext, methods: readonly string[] | undefined): Response {
    const origin = requestHeader(context, "origin");
    const headers = cors.preflight(origin, requestHeader(context, "access-control-request-headers"));
    const allow: Record<string, string> = methods === undefined ? {} : { allow: methods.join(", ") };
    return new Response(null, { status: 204, headers: { ...headers, ...allow } });
  }
}
