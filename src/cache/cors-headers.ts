/**
 * CORS of our own (contract A8): decided from the settings when headers are prepared, never by a middleware
 * on the way out. No credentials: keys travel in a header that scripts set themselves.
 */
import type { HeaderRecord, HeaderSet, HeaderSetFactory } from "./prepared-response.ts";

/** What a page of another origin may read beyond the safelisted headers. */
const exposedHeaders = "X-Flagsmith-Document-Updated-At, ETag, Retry-After";
const variesByRequest = "X-Environment-Key, Accept-Encoding";
const preflightMaxAgeSeconds = 600;
const allowedMethods = "GET, HEAD, POST, PUT, OPTIONS";

export interface CorsHeaders {
  /** Adds the CORS and `Vary` headers of an answer. */
  readonly headerSet: HeaderSetFactory;
  /**
   * The headers of a preflight's answer.
   * @param requestedHeaders the value of `Access-Control-Request-Headers`, echoed as it is
   */
  preflight(origin: string | null, requestedHeaders: string | null): HeaderRecord;
}

/** @param allowOrigins `["*"]` for any origin, else origins that match exactly */
export function prepareCors(allowOrigins: readonly string[]): CorsHeaders {
  const anyOrigin = allowOrigins.includes("*");
  const vary = anyOrigin ? variesByRequest : `Origin, ${variesByRequest}`;
  const headerSet = (headers: HeaderRecord): HeaderSet => {
    const exposed = { "access-control-expose-headers": exposedHeaders };
    if (anyOrigin) {
      const plain = { ...headers, vary, "access-control-allow-origin": "*", ...exposed };
      return { plain, byOrigin: new Map() };
    }
    const allowed = allowOrigins.map(
      (origin) => [origin, { ...headers, vary, "access-control-allow-origin": origin, ...exposed }] as const,
    );
    return { plain: { ...headers, vary }, byOrigin: new Map(allowed) };
  };
  return {
    headerSet,
    preflight(origin, requestedHeaders) {
      const varies = { vary: `${vary}, Access-Control-Request-Headers` };
      if (origin === null || !(anyOrigin || allowOrigins.includes(origin))) return varies;
      return {
        ...varies,
        "access-control-allow-origin": anyOrigin ? "*" : origin,
        "access-control-allow-methods": allowedMethods,
        "access-control-max-age": String(preflightMaxAgeSeconds),
        ...(requestedHeaders === null ? {} : { "access-control-allow-headers": requestedHeaders }),
      };
    },
  };
}

/** Picks the record for a request's origin. */
export function headersFor(set: HeaderSet, origin: string | null): HeaderRecord {
  if (set.byOrigin.size === 0 || origin === null) return set.plain;
  return set.byOrigin.get(origin) ?? set.plain;
}
