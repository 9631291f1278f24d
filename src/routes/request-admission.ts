/**
 * Who may ask at all: by the client's address, and by how often it asks. It stands before the application,
 * and only where a setting asks for it, so that it costs nothing otherwise.
 */
import type { IncomingMessage, RequestListener } from "node:http";
import type { CorsHeaders } from "../cache/cors-headers.ts";
import { RequestError } from "../models/errors.ts";
import type { ServerSettings } from "../models/settings.ts";
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

export interface AdmissionOptions {
  readonly settings: Pick<ServerSettings, "allowClients" | "rateLimit" | "proxyHeaders">;
  /** Of health, without a trailing slash. */
  readonly healthPaths: readonly string[];
  readonly bodyBytesMax: number;
  readonly resolveKey: KeyResolver;
  readonly cors: CorsHeaders;
  readonly clock: Clock;
}

/** Why a request is not let in. */
interface Refusal {
  readonly error: RequestError;
  readonly headers: Readonly<Record<string, string>>;
}

type Check = (request: IncomingMessage) => Refusal | null;

/** @returns the listener, behind the checks that the settings ask for */
export function admitRequests(options: AdmissionOptions, listener: RequestListener): RequestListener {
  const { settings, bodyBytesMax, cors } = options;
  const checks: Check[] = [];
  if (settings.allowClients.length > 0) checks.push(checkAddress(options));
  if (settings.rateLimit !== null) checks.push(checkRate(options, new RateLimiter(settings.rateLimit)));
  if (checks.length === 0) return listener;
  return (request, response) => {
    for (const check of checks) {
      const refusal = check(request);
      if (refusal === null) continue;
      // A body is read to its end for the sake of the connection, unless it may be long.
      const closing = hasBodyUpTo(request, bodyBytesMax) ? {} : { connection: "close" };
      writeError(cors, request, response, refusal.error, { ...refusal.headers, ...closing });
      return;
    }
    listener(request, response);
  };
}

/** Health is there for this machine, whoever else may ask: its own probes have no other address. */
function checkAddress({ settings, healthPaths }: AdmissionOptions): Check {
  const allowed = new ClientNetworks(settings.allowClients);
  const loopback = new ClientNetworks(loopbackNetworks);
  const health = targetsOf(healthPaths);
  const error = new RequestError("forbidden", "this client's address is not allowed");
  return (request) => {
    const address = clientAddress(request, settings.proxyHeaders);
    if (allowed.has(address)) return null;
    const isOwn = loopback.has(address) && loopback.has(request.socket.remoteAddress);
    if (isOwn && health.has(withoutQuery(request.url ?? ""))) return null;
    return { error, headers: { connection: "close" } };
  };
}

/** Keys that open nothing share one bucket: others could be made up without end. */
function checkRate(options: AdmissionOptions, limiter: RateLimiter): Check {
  const { settings, healthPaths, resolveKey, clock } = options;
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
    const forwarded = clientNetwork(clientAddress(request, settings.proxyHeaders));
    const client = forwarded ?? clientNetwork(request.socket.remoteAddress);
    const waitMs = limiter.take(`${client} ${numberOf(resolveKey(key))}`, clock.monotonicMs());
    if (waitMs === 0) return null;
    return { error, headers: { "retry-after": String(Math.ceil(waitMs / 1000)) } };
  };
}

function hasBodyUpTo({ headers }: IncomingMessage, bytesMax: number): boolean {
  if (headers["transfer-encoding"] !== undefined) return false;
  return Number(headers["content-length"] ?? 0) <= bytesMax;
}
