/**
 * Makes Node's server, plain or over TLS, with its limits against slow and greedy clients (reliability 2.1,
 * 2.7). It does not listen.
 */
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { SecureContextOptions } from "node:tls";
import type { CertificatePair, ServerSettings, TlsSettings } from "../../models/settings.ts";
import { ClientNetworks, loopbackNetworks } from "./client-address.ts";
import { connectionsWithin, readLimits } from "./descriptor-limit.ts";

/** How often connections are checked against their time limits, in milliseconds; it adds to each limit. */
const connectionsCheckingInterval = 1000;
/** How long a TLS handshake may take, in milliseconds; the limits of requests begin after it. */
const handshakeTimeout = 5000;

/** A server, and what may change of it while it runs. */
export interface NodeServer {
  readonly server: Server | HttpsServer;
  /** Connections that are accepted from now on get this certificate; there is none without TLS. */
  renewCertificate(pair: CertificatePair): void;
  /** Requests that come from now on, also on connections that are open, are given to this listener. */
  swapListener(next: RequestListener): void;
  /** Of connections that come from now on, those of others are closed. */
  allowClients(networks: readonly string[]): void;
}

/** @param listener gets each request until another takes its place */
export function createNodeServer(settings: ServerSettings, listener: RequestListener): NodeServer {
  const { tls } = settings;
  const limits = {
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    headersTimeout: settings.headersTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    maxHeaderSize: settings.headerBytesMax,
    connectionsCheckingInterval,
  };
  if (tls === null) {
    const server = createHttpServer(limits, listener);
    return { server, renewCertificate: () => undefined, ...controlsOf(server, settings, listener) };
  }
  const options = { ...limits, ...secureContextOf(tls, tls.pair), handshakeTimeout };
  const server = createHttpsServer(options, listener);
  const renewCertificate = (pair: CertificatePair) => server.setSecureContext(secureContextOf(tls, pair));
  return { server, renewCertificate, ...controlsOf(server, settings, listener) };
}

function controlsOf(
  server: Server | HttpsServer,
  settings: ServerSettings,
  first: RequestListener,
): Pick<NodeServer, "allowClients" | "swapListener"> {
  limitConnections(server, settings);
  let current = first;
  return {
    swapListener(next) {
      // In place of a listener that looks for the present one: that would cost each request.
      server.on("request", next);
      server.off("request", current);
      current = next;
    },
    allowClients: closeStrangers(server, settings),
  };
}

function limitConnections(server: Server | HttpsServer, { connectionsMax }: ServerSettings): void {
  const possible = connectionsWithin(readLimits());
  const maxConnections = Math.min(connectionsMax ?? possible, possible);
  // Else workers that are all full would hand a connection to each other without end.
  Object.assign(server, { maxConnections, dropMaxConnection: true });
}

/** NOTE: a new context takes nothing over from the old one: each option has to be here. */
function secureContextOf({ minimumVersion }: TlsSettings, pair: CertificatePair): SecureContextOptions {
  return { cert: pair.certificate, key: pair.key, minVersion: minimumVersion };
}

/**
 * Closes connections of clients that may ask nothing as soon as they are accepted, before TLS and HTTP know
 * of them: where the socket's address is the client's. Of this machine's own some may ask for health.
 * @returns takes the networks of clients that may
 */
function closeStrangers(
  server: Server | HttpsServer,
  { allowClients, proxyHeaders }: ServerSettings,
): NodeServer["allowClients"] {
  let known = knownClients(allowClients);
  if (proxyHeaders) return () => undefined;
  const acceptors = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket) => {
    if (known?.has(socket.remoteAddress) === false) socket.destroy();
    else for (const accept of acceptors) accept.call(server, socket);
  });
  return (networks) => {
    known = knownClients(networks);
  };
}

/** @returns null: all are */
function knownClients(networks: readonly string[]): ClientNetworks | null {
  return networks.length === 0 ? null : new ClientNetworks([...networks, ...loopbackNetworks]);
}
