/**
 * Health for load balancers and people (contract A7). It needs no key, and tells none.
 */
import { headersFor } from "../cache/cors-headers.ts";
import { type AppContext, requestHeader } from "./http-context.ts";
import type { RouteDependencies } from "./route-dependencies.ts";

/** Readiness: 200 while flags are served and fresh, else 503; both with the whole report. */
export function createHealthRoute({ cors, reportHealth }: Pick<RouteDependencies, "cors" | "reportHealth">) {
  return (context: AppContext): Response => {
    const report = reportHealth();
    const body = JSON.stringify(report);
    const set = cors.headerSet({
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      "cache-control": "no-store",
    });
    const headers = headersFor(cors, set, requestHeader(context, "origin"));
    return new Response(body, { status: report.status === "ok" ? 200 : 503, headers });
  };
}

/** Liveness: the process can serve. It says nothing of documents, so that no outage restarts the process. */
export function createLivenessRoute({ cors, isAlive }: Pick<RouteDependencies, "cors" | "isAlive">) {
  const set = cors.headerSet({ "content-length": "0", "cache-control": "no-store" });
  return (context: AppContext): Response =>
    new Response(null, {
      status: isAlive() ? 200 : 503,
      headers: headersFor(cors, set, requestHeader(context, "origin")),
    });
}
