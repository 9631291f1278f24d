/**
 * One log line for each answered request, where the settings ask for it. It logs no header but the client's
 * address, and no query: identifiers are personal.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import { clientAddress } from "./client-address.ts";
import { loggedPath } from "./logged-path.ts";

export interface AccessLogOptions {
  /** See `ServerSettings`. */
  readonly proxyHeaders: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Logs every request that the server answers from now on. */
export function logRequests(server: Server, { proxyHeaders, clock, logger }: AccessLogOptions): void {
  server.prependListener("request", (request: IncomingMessage, response: ServerResponse) => {
    const startMs = clock.monotonicMs();
    // A stream ends when its client goes: that is an answer too, and no `finish`.
    response.once("close", () => {
      if (!response.headersSent) return;
      const fields = {
        method: request.method,
        path: loggedPath(request.url ?? ""),
        status: response.statusCode,
        ms: Math.round((clock.monotonicMs() - startMs) * 1000) / 1000,
        client: clientAddress(request, proxyHeaders),
      };
      logger.info(fields, "Request");
    });
  });
}
