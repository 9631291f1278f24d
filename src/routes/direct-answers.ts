/**
 * Answers that a route writes to Node's response itself. Handing a `Response` to node-server costs 4 of the
 * 26 µs that a repeated POST takes; whoever calls the application says whether that may be spared.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Body, HeaderRecord } from "../cache/prepared-response.ts";
import type { AppContext, AppEnvironment } from "./http-context.ts";

/** Stands for a response that was written already. */
const written = new Response(null);

/** @param status with a body */
export function respond(context: AppContext, status: 200, headers: HeaderRecord, body: Body): Response {
  const { isDirect, outgoing } = context.env ?? {};
  if (isDirect !== true || outgoing === undefined) return new Response(body, { status, headers });
  (outgoing as ServerResponse).writeHead(status, headers).end(body);
  return written;
}

type Fetch = (request: Request, env: AppEnvironment["Bindings"]) => Response | Promise<Response>;
type Writer = (
  response: Response | Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
) => void;

/**
 * @param fetch the application's
 * @param write writes what was not written directly: errors
 * @returns for requests whose target is a route's path as it stands, and whose `Host` is a plain one
 */
export function listenDirectly(fetch: Fetch, write: Writer): RequestListener {
  return (incoming, outgoing) => {
    // All that hono and the routes look at: they read headers from Node's own request.
    const request = { method: incoming.method, url: `http://localhost${incoming.url}` } as Request;
    const response = fetch(request, { incoming, outgoing, isDirect: true });
    if (response !== written) write(response, incoming, outgoing);
  };
}
