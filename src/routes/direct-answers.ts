/**
 * Answers that a route writes to Node's response itself. Handing a `Response` to node-server costs 4 of the
 * 26 µs that a repeated POST takes; whoever calls the application says whether that may be spared.
 */
import type { RequestListener, ServerResponse } from "node:http";
import type { Body, HeaderRecord } from "../cache/prepared-response.ts";
import type { AppContext, AppEnvironment } from "./http-context.ts";
import { streamKeyOf } from "./realtime/stream-target.ts";
import { hasLegalHost } from "./request-host.ts";
import { targetsOf, withoutQuery } from "./request-path.ts";

/** Stands for a response that was written already, to those who call the application directly. */
export const written = new Response(null);

/**
 * Answers a request: straight to Node's response where the context allows for it, else by a `Response`.
 * @param headers all of them, content length included
 * @param body null: none
 * @returns what the route hands on; `written` where nothing is left to be done
 */
export function respond(
  context: AppContext,
  status: number,
  headers: HeaderRecord,
  body: Body | null,
): Response {
  const { isDirect, outgoing } = context.env ?? {};
  if (isDirect !== true || outgoing === undefined) return new Response(body, { status, headers });
  (outgoing as ServerResponse).writeHead(status, headers).end(body ?? undefined);
  return written;
}

/** Of the application: it is given a request and what comes with it. */
export type ApplicationFetch = (request: Request, env: AppEnvironment["Bindings"]) => unknown;

/** Of origin-form, without what has to be decoded: node-server looks more closely at others. */
const plainTarget = /^\/[!$&-;=?-[\]_a-z~]*$/;

/**
 * @param fetch the application's
 * @returns takes plain requests to declared paths as they stand, whose bodies were read before; the routes of
 *   these paths give every answer by `respond`
 */
export function listenDirectly(fetch: ApplicationFetch): RequestListener {
  return (incoming, outgoing) => {
    // All that hono and the routes look at: they read headers from Node's own request.
    const request = { method: incoming.method, url: `http://localhost${incoming.url}` } as Request;
    fetch(request, { incoming, outgoing, isDirect: true });
  };
}

/**
 * @returns gives GETs of client streams to `direct`, and all else to `others`. `Request` and `Response` would
 *   stay in memory with each stream.
 */
export function streamDirectly(direct: RequestListener, others: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    const isStream = incoming.method === "GET" && streamKeyOf(incoming.url ?? "") !== null;
    if (isStream && hasLegalHost(incoming)) direct(incoming, outgoing);
    else others(incoming, outgoing);
  };
}

/**
 * @param paths without a trailing slash
 * @returns gives plain GETs of these paths, whatever their query, to `direct`, and all else to `others`
 */
export function readDirectly(
  paths: readonly string[],
  direct: RequestListener,
  others: RequestListener,
): RequestListener {
  const targets = targetsOf(paths);
  return (incoming, outgoing) => {
    const { method, url = "" } = incoming;
    const isPlain = targets.has(url) || (targets.has(withoutQuery(url)) && plainTarget.test(url));
    if (method === "GET" && isPlain && hasLegalHost(incoming)) direct(incoming, outgoing);
    else others(incoming, outgoing);
  };
}
