/**
 * Who may ask at all: by the client's address, and by how often it asks. It stands before the application,
 * and only where a setting asks for it, so that it costs nothing otherwise.
 */
import type { IncomingMessage, RequestListener } from "node:http";
import { isDeepStrictEqual } from "node:util";
import type { CorsHeaders } from "../cache/cors-headers.ts";
import { RequestError } from "../models/errors.ts";
import type { RateLimitSettings, ServerSettings } from "../models/settings.ts";
import type { Clock } from "../services/clock.ts";
import type { KeyGrant, KeyResolver } from "../services/environments/key-directory.ts";
import {
  ClientNetworks,
  clientAddress,
  clientNetwork,
  loopbackNetworks,
} from "../services/listener/client-address.ts";
import { RateLimiter } from "../services/listener/rate-limiter.ts";
import { presentedKey } from "./environment-access.ts";
import { writeError } from "./error-responses.ts";
import { streamKeyOf } from "./realtime/stream-target.ts";
import { targetsOf, withoutQuery } from "./request-path.ts";
import { leavesLongBody } from "./unread-body.ts";

/** What admission needs that no reload changes. */
export interface AdmissionOptions {
  /** See `ServerSettings`. */
  readonly proxyHeaders: boolean;
  /** Of health, without a trailing slash. */
  readonly healthPaths: readonly string[];
  readonly resolveKey: KeyResolver;
  readonly clock: Clock;
}

/** The settings of admission that change while the proxy runs, and what else does. */
export interface AdmissionRules extends Pick<ServerSettings, "allowClients" | "rateLimit"> {
  readonly bodyBytesMax: number;
  readonly cors: CorsHeaders;
}

/** @returns the listener, behind the checks that the rules ask for */
export type Admission = (rules: AdmissionRules, listener: RequestListener) => RequestListener;

/** Why a request is not let in. */
interface Refusal {
  readonly error: RequestError;
  readonly headers: Readonly<Record<string, string>>;
}

type Check = (request: IncomingMessage) => Refusal | null;

/** Under other rules, the same limit of rate goes on counting: a client's burst does not begin anew. */
export function createAdmission(options: AdmissionOptions): Admission {
  let rate: { readonly limit: RateLimitSettings; readonly check: Check } | null = null;
  const rateCheck = (limit: RateLimitSettings | null): Check[] => {
    if (limit === null) rate = null;
    else if (!isDeepStrictEqual(rate?.limit, limit)) {
      rate = { limit, check: checkRate(options, new RateLimiter(limit)) };
    }
    return rate === null ? [] : [rate.check];
  };
  return ({ allowClients, bodyBytesMax, cors, rateLimit }, listener) => {
    const addressCheck = allowClients.length === 0 ? [] : [checkAddress(options, allowClients)];
    const checks = [...addressCheck, ...rateCheck(rateLimit)];
    if (checks.length === 0) return listener;
    return (request, response) => {
      for (const check of checks) {
        const refusal = check(request);
        if (refusal === null) continue;
        const closing = leavesLongBody(request, bodyBytesMax) ? { connection: "close" } : {};
        writeError(cors, request, response, refusal.error, { ...refusal.headers, ...closing });
        return;
      }
      listener(request, response);
    };
  };
}

/** Health is there for this machine, whoever else may ask: its own probes have no other address. */
function checkAddress(
  { proxyHeaders, healthPaths }: AdmissionOptions,
  allowClients: readonly string[],
): Check {
  const allowed = new ClientNetworks(allowClients);
  const loopback = new ClientNetworks(loopbackNetworks);
  const health = targetsOf(healthPaths);
  const error = new RequestError("forbidden", "this client's address is not allowed");
  return (request) => {
    const address = clientAddress(request, proxyHeaders);
    if (allowed.has(address)) return null;
    const isOwn = loopback.has(address) && loopback.has(request.socket.remoteAddress);
    if (isOwn && health.has(withoutQuery(request.url ?? ""))) return null;
    return { error, headers: { connection: "close" } };
  };
}

/** Keys that open nothing share one bucket: others could be made up without end. */
function checkRate(options: AdmissionOptions, limiter: RateLimiter): Check {
  const { proxyHeaders, healthPaths, resolveKey, clock } = options;
  const health = targetsOf(healthPaths);
  const numbers = new WeakMap<KeyGrant, number>();
  let last = 0;
  const numberOf = (grant: KeyGrant | undefined): number => {
    if (grant === undefined) return 0;
    const known = numbers.get(grant);
    if (known !== undefined) return known;
    last += 1;
    numbers.set(grant, last);
    return last;
  };
  const error = new RequestError("overloaded", "too many requests of this client; see Retry-After");
  return (request) => {
    if (request.method === "OPTIONS" || health.has(withoutQuery(request.url ?? ""))) return null;
    const key = presentedKey(request.headers["x-environment-key"] ?? streamKeyOf(request.url ?? ""));
    // What is forwarded and no address is the proxy's own: texts of clients are not kept.
    const forwarded = clientNetwork(clientAddress(request, proxyHeaders));
    const client = forwarded ?? clientNetwork(request.socket.remoteAddress);
    const waitMs = limiter.take(`${client} ${numberOf(resolveKey(key))}`, clock.monotonicMs());
    if (waitMs === 0) return null;
    return { error, headers: { "retry-after": String(Math.ceil(waitMs / 1000)) } };
  };
}
