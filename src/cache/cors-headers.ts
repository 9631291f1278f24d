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

/** What the settings say of CORS, ready for each request. */
export interface CorsHeaders {
  readonly anyOrigin: boolean;
  /** The origins that are named in an answer to them; empty where any origin is allowed. */
  readonly namedOrigins: ReadonlySet<string>;
  /** The value of `Vary`. */
  readonly vary: string;
  /** Adds the CORS and `Vary` headers of an answer. */
  readonly headerSet: HeaderSetFactory;
  /**
   * The headers of a preflight's answer.
   * @param requestedHeaders the value of `Access-Control-Request-Headers`, echoed as it is
   */
  preflight(origin: string | null, requestedHeaders: string | null): HeaderRecord;
}

const ofAnyOrigin = { "access-control-allow-origin": "*", "access-control-expose-headers": exposedHeaders };

/** @param allowOrigins `["*"]` for any origin, else origins that match exactly */
export function prepareCors(allowOrigins: readonly string[]): CorsHeaders {
  const anyOrigin = allowOrigins.includes("*");
  const vary = anyOrigin ? variesByRequest : `Origin, ${variesByRequest}`;
  const headerSet = (headers: HeaderRecord): HeaderSet => ({
    plain: anyOrigin ? { ...headers, vary, ...ofAnyOrigin } : { ...headers, vary },
    anyOrigin,
  });
  return {
    anyOrigin,
    namedOrigins: new Set(anyOrigin ? [] : allowOrigins),
    vary,
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

/**
 * The record for a request's origin. An origin of a list is put in for each request: to prepare a record for
 * every origin would cost memory.
 * @param cors of the settings that the request is answered by; the set may be of older ones
 */
export function headersFor(cors: CorsHeaders, set: HeaderSet, origin: string | null): HeaderRecord {
  const plain = set.anyOrigin === cors.anyOrigin ? set.plain : plainUnder(cors, set.plain);
  if (origin === null || !cors.namedOrigins.has(origin)) return plain;
  return {
    ...plain,
    "access-control-allow-origin": origin,
    "access-control-expose-headers": exposedHeaders,
  };
}

/** The same for a record of other settings: they allowed any origin and these do not, or the reverse. */
function plainUnder({ anyOrigin, vary }: CorsHeaders, prepared: HeaderRecord): HeaderRecord {
  if (anyOrigin) return { ...prepared, vary, ...ofAnyOrigin };
  const {
    "access-control-allow-origin": _origin,
    "access-control-expose-headers": _exposed,
    ...others
  }: Record<string, string> = prepared;
  return { ...others, vary };
}
