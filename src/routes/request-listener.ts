/**
 * Which way a request takes to the application: the short one where its path and body allow for it, and past
 * the checks that the settings ask for. It answers nothing itself.
 */
import type { RequestListener } from "node:http";
import type { CorsHeaders } from "../cache/cors-headers.ts";
import type { RequestLimits, ServerSettings } from "../models/settings.ts";
import type { KeyResolver } from "../services/environments/key-directory.ts";
import { receiveBodies } from "../services/listener/received-bodies.ts";
import { awaitsBody } from "./awaited-bodies.ts";
import { type ApplicationFetch, listenDirectly, readDirectly, streamDirectly } from "./direct-answers.ts";
import type { Admission } from "./request-admission.ts";
import { withoutLegalHosts } from "./request-host.ts";

export interface RequestListenerOptions {
  /** The application's. */
  readonly fetch: ApplicationFetch;
  /** Takes any request to the application, by way of a `Request` and a `Response`. */
  readonly general: RequestListener;
  readonly paths: {
    /** Of routes of GET whose answers are ready when they are asked for. */
    readonly read: readonly string[];
    /** Of routes that read bodies. */
    readonly body: readonly string[];
  };
  readonly server: Pick<ServerSettings, "allowClients" | "rateLimit">;
  readonly limits: RequestLimits;
  readonly resolveKey: KeyResolver;
  readonly cors: CorsHeaders;
  readonly admit: Admission;
}

/** @returns to be called by Node's server with each request */
export function createRequestListener(options: RequestListenerOptions): RequestListener {
  const { fetch, general, paths, server, limits, resolveKey, cors, admit } = options;
  const direct = listenDirectly(fetch);
  const listener = receiveBodies({
    isAwaited: awaitsBody({ paths: paths.body, limits, resolveKey }),
    received: direct,
    others: readDirectly(paths.read, direct, streamDirectly(direct, withoutLegalHosts(general))),
  });
  const { allowClients, rateLimit } = server;
  return admit({ allowClients, rateLimit, bodyBytesMax: limits.bodyBytesMax, cors }, listener);
}
