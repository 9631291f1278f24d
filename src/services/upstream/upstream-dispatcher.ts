/**
 * The connections to one upstream: pool, TLS authorities, forward proxy. Nothing else may open a connection
 * to the upstream, and nothing here reads the environment of the process.
 */
import { getCACertificates } from "node:tls";
import type { Dispatcher } from "undici";
import type { CertificatePair, UpstreamSettings } from "../../models/settings.ts";
import { createSharedLookup } from "./shared-lookup.ts";
import { Agent, EnvHttpProxyAgent, Pool } from "./undici-parts.ts";
import { createUpstreamConnector } from "./upstream-connector.ts";

/** The part of the settings that connections depend on. */
export type ConnectionSettings = Pick<
  UpstreamSettings,
  | "apiUrl"
  | "requestTimeoutMs"
  | "caCertificates"
  | "clientCertificate"
  | "httpProxy"
  | "httpsProxy"
  | "noProxy"
>;

/** What its connections may carry. */
export interface ConnectionLimits {
  /** Null: as many as are asked for. */
  readonly connectionsMax: number | null;
  /**
   * A connection that is older takes no further request. One that is used often is never idle, and would hold
   * on to an address that the upstream's name has left for as long as it answers there (reliability B23).
   * Null: each carries one answer alone.
   */
  readonly ageMsMax: number | null;
  /** So long a body may pause. */
  readonly bodyPauseMsMax: number;
  /** Bytes of a body on the wire; null: without end. */
  readonly bodyBytesMax: number | null;
}

/** A dispatcher, and how many connections it has opened so far: who sees no change used an old one. */
export interface UpstreamDispatcher {
  readonly dispatcher: Dispatcher;
  /** Null where the dispatcher cannot tell, which is behind a forward proxy. */
  readonly connectionsOpened: (() => number) | null;
}

/** Shorter than the keep-alive of any server we know (uvicorn and node: 5 s), so that we close first. */
const keepAliveTimeoutMs = 4000;
const connectTimeoutMsMax = 3000;

/**
 * One pool for the one origin the client talks to. HTTP/1.1 alone: truncation, reuse and retry are known and
 * tested there.
 */
export function createUpstreamDispatcher(
  settings: ConnectionSettings,
  limits: ConnectionLimits,
): UpstreamDispatcher {
  const tls = certificateAuthorities(settings.caCertificates);
  const own = clientCertificate(settings.clientCertificate);
  // undici takes whole milliseconds alone; the limits themselves are kept by DocumentDeadline.
  const requestTimeoutMs = Math.ceil(settings.requestTimeoutMs);
  const timeout = Math.min(connectTimeoutMsMax, requestTimeoutMs);
  const lookup = createSharedLookup();
  const poolOptions = {
    allowH2: false,
    connections: limits.connectionsMax,
    pipelining: 1,
    keepAliveTimeout: keepAliveTimeoutMs,
    clientTtl: limits.ageMsMax,
    headersTimeout: requestTimeoutMs,
    bodyTimeout: Math.ceil(limits.bodyPauseMsMax),
    // Counts bytes on the wire: stops a body that inflates to nothing for ever.
    maxResponseSize: limits.bodyBytesMax ?? -1,
  };
  const connect = createUpstreamConnector({ ...tls, ...own, lookup }, timeout);
  const proxies = forwardProxies(settings);
  if (proxies !== null) {
    // The forward proxy is not told who we are: the certificate is for the upstream.
    const steps = { proxyTls: { ...tls, timeout, lookup }, requestTls: { ...tls, ...own, timeout } };
    return {
      dispatcher: new EnvHttpProxyAgent({
        ...poolOptions,
        connect,
        ...proxies,
        ...steps,
        // undici would wait five minutes for the answer to CONNECT, and hold the connection as long.
        clientFactory: (origin, its) => new Pool(origin, { ...its, headersTimeout: requestTimeoutMs }),
        // Without a tunnel undici gives its pool nothing but the way to connect.
        factory: (origin, its) => new Pool(origin, { ...poolOptions, ...its }),
      }),
      connectionsOpened: null,
    };
  }
  const agent = new Agent({ ...poolOptions, connect });
  let opened = 0;
  agent.on("connect", () => {
    opened += 1;
  });
  return { dispatcher: agent, connectionsOpened: () => opened };
}

/**
 * The authorities of the settings are added to those of the process (bundled or the system's, and
 * NODE_EXTRA_CA_CERTS); giving node a list replaces its own.
 */
function certificateAuthorities(caCertificates: string | null): { ca?: string[] } {
  return caCertificates === null ? {} : { ca: [...getCACertificates("default"), caCertificates] };
}

function clientCertificate(pair: CertificatePair | null): { cert?: string; key?: string } {
  return pair === null ? {} : { cert: pair.certificate, key: pair.key };
}

/**
 * The forward proxy for the upstream's scheme, as curl reads the variables: undici alone would also send
 * https through HTTP_PROXY. Empty strings keep undici from looking at the environment of the process.
 */
function forwardProxies(
  settings: ConnectionSettings,
): { httpProxy: string; httpsProxy: string; noProxy: string } | null {
  const isHttps = new URL(settings.apiUrl).protocol === "https:";
  const httpProxy = isHttps ? "" : (settings.httpProxy ?? "");
  const httpsProxy = isHttps ? (settings.httpsProxy ?? "") : "";
  if (httpProxy === "" && httpsProxy === "") return null;
  return { httpProxy, httpsProxy, noProxy: settings.noProxy ?? "" };
}
