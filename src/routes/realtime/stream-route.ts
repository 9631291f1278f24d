/**
 * GET of a client stream: the client key in the path, and word of each change (contract A10, B 1.8). What is
 * written to streams later is not its concern.
 */
import type { ServerResponse } from "node:http";
import { headersFor } from "../../cache/cors-headers.ts";
import type { SnapshotSlot } from "../../cache/snapshot-store.ts";
import { RequestError } from "../../models/errors.ts";
import type { Clock } from "../../services/clock.ts";
import type { KeyResolver } from "../../services/environments/key-directory.ts";
import type { ClientStreams } from "../../services/realtime/client-streams.ts";
import { written } from "../direct-answers.ts";
import { notServed, unknownKey } from "../environment-access.ts";
import { type AppContext, requestHeader } from "../http-context.ts";
import type { RouteDependencies } from "../route-dependencies.ts";

/**
 * Some SDKs (Python, Go) ask again at once, whatever the status was: an answer that refuses them comes no
 * sooner.
 */
const refusalMs = 1000;
/** What those that heed it are asked to wait where there are too many streams, in seconds. */
const retryAfterSeconds = 10;

export interface StreamRouteDependencies
  extends Pick<RouteDependencies, "resolveKey" | "cors" | "respondError"> {
  readonly streams: Pick<ClientStreams, "beginning" | "open" | "refusalOf">;
  readonly clock: Pick<Clock, "sleep">;
}

/**
 * Answers with a stream that stays open; 401, 403 and 503 come after a second on a socket. A request that was
 * sent before the answer to another one gets no stream, and no pause.
 */
export function createStreamRoute(dependencies: StreamRouteDependencies) {
  const { resolveKey, cors, streams, respondError, clock } = dependencies;
  const headers = cors.headerSet({
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    // Or nginx would keep events until it has some kilobytes of them.
    "x-accel-buffering": "no",
    // The connection ends with the stream: in a drain there is none to be asked on again.
    connection: "close",
  });

  return (context: AppContext): Response | Promise<Response> => {
    const slot = slotOf(context.req.param("clientKey") ?? "", resolveKey);
    if (slot instanceof RequestError) return refuse(context, slot);
    const { isDirect, outgoing } = context.env ?? {};
    const refusal = streams.refusalOf(slot) ?? (waitsItsTurn(context) ? secondOfConnection() : null);
    if (refusal !== null) return refuse(context, refusal);
    const head = headersFor(cors, headers, requestHeader(context, "origin"));
    // By the general way, as for HEAD, a stream ends with its beginning: there is nobody to write to.
    if (isDirect !== true || outgoing === undefined) {
      return new Response(streams.beginning(slot), { status: 200, headers: head });
    }
    const response = outgoing as ServerResponse;
    streams.open(slot, response.writeHead(200, head));
    return written;
  };

  async function refuse(context: AppContext, error: RequestError): Promise<Response> {
    const isHeldBack = context.env?.isDirect === true && !waitsItsTurn(context);
    if (isHeldBack) await clock.sleep(refusalMs, new AbortController().signal);
    const isFull = error.code === "overloaded";
    return respondError(context, error, isFull ? { "retry-after": String(retryAfterSeconds) } : {});
  }
}

/**
 * Whether another answer of the same connection comes first: Node reads on while it is not there, so that one
 * connection could have any number of requests wait, or hold all places for streams.
 */
function waitsItsTurn(context: AppContext): boolean {
  const outgoing = context.env?.outgoing as ServerResponse | undefined;
  return outgoing?.socket === null;
}

function secondOfConnection(): RequestError {
  return new RequestError("overloaded", "another answer is awaited on this connection; see Retry-After");
}

/** An environment without a document has a stream all the same: it tells of the first one. */
function slotOf(sent: string, resolveKey: KeyResolver): SnapshotSlot | RequestError {
  const key = sent.trim();
  const grant = resolveKey(key);
  if (grant?.view !== "client") return unknownKey(key);
  return grant.slot.current?.servesFlags === false ? notServed() : grant.slot;
}
