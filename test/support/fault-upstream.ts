/**
 * A Flagsmith API on loopback that misbehaves on demand, for tests of the client, the poller and the whole
 * proxy. It must not be lenient: what it records is what came over the wire.
 *
 *     await using upstream = await startFaultUpstream();
 *     upstream.setDocument("ser.one", { … });          // serves it: Last-Modified, 304, 401 for unknown keys
 *     upstream.setMode("ser.one", "drip");             // from the next request on, for this key alone
 *     upstream.setMode("ser.one", 503, { retryAfter: "3600" });
 *     upstream.setMode("ser.one", "body", { body: "[]" });
 *     upstream.setMode("ser.one", "ok");
 *     await upstream.refuse();                          // the port refuses connections …
 *     await upstream.accept();                          // … and takes them again
 *     upstream.requests("ser.one").length;
 *
 * `upstream.apiUrl` goes into `api_url`. The modes are in `fault-modes.ts`; a listener that never accepts is
 * `startDeafUpstream`. A second, evil origin is simply a second fault upstream.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import {
  type Exchange,
  type FaultEnvironment,
  type FaultMode,
  type FaultOptions,
  faultModes,
} from "./fault-modes.ts";

/** One request as it arrived. */
export interface RecordedRequest {
  readonly time: Date;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
  /** When its answer was whole, or its connection ended; null: neither yet. */
  readonly endedTime: Date | null;
}

export interface FaultUpstream extends AsyncDisposable {
  readonly origin: string;
  /** For `api_url`: the origin and `/api/v1`. */
  readonly apiUrl: string;
  /**
   * Serves this document to the key from now on. Each new document is one second newer than the last one, the
   * first an hour old, so that conditional requests see every change.
   * @param lastModified in place of that; null: none
   */
  setDocument(serverKey: string, document: string | object, lastModified?: Date | null): void;
  /** A mode, or a status to answer with. */
  setMode(serverKey: string, mode: FaultMode | number, options?: FaultOptions): void;
  /** All requests so far, or those with this key, in order. */
  requests(serverKey?: string): readonly RecordedRequest[];
  forgetRequests(): void;
  /** How many connections were opened so far. */
  readonly connections: number;
  /** Ends all connections and stops to listen; resolves when the port refuses. */
  refuse(): Promise<void>;
  /** Listens again, on the same port. */
  accept(): Promise<void>;
}

export interface FaultUpstreamSettings {
  /** PEM texts: serve https; with `clientAuthority` only to clients with a certificate of it. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly clientAuthority?: string };
  /** The address to listen on; 127.0.0.1 unless given. */
  readonly host?: string;
  /** A free one unless given. */
  readonly port?: number;
}

/** Starts one; disposing of it ends all its connections. */
export async function startFaultUpstream(settings: FaultUpstreamSettings = {}): Promise<FaultUpstream> {
  const environments = new Map<string, FaultEnvironment>();
  const recorded: RecordedRequest[] = [];
  /** Weak: a long test opens many, and looks at the memory of its process. */
  const connections = new WeakMap<object, number>();
  let opened = 0;
  const requestsByKey = new Map<string, number>();
  const listener: RequestListener = (request, response) => {
    const connection = connections.get(request.socket) ?? 0;
    recorded.push(recordOf(request, response, connection));
    const key = keyOf(request);
    const number = requestsByKey.get(key) ?? 0;
    requestsByKey.set(key, number + 1);
    answer(environments, { request, response, number, isReused: isReused(recorded, connection) });
  };
  const server =
    settings.tls === undefined ? createServer(listener) : createTlsServer(tlsOptions(settings.tls), listener);
  server.on(settings.tls === undefined ? "connection" : "secureConnection", (socket: object) => {
    opened += 1;
    connections.set(socket, opened);
  });
  const { host = "127.0.0.1" } = settings;
  const listen = async (port: number): Promise<number> => {
    server.listen(port, host);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(settings.port ?? 0);
  const refuse = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const urlHost = host.includes(":") ? `[${host}]` : host;
  const origin = `${settings.tls === undefined ? "http" : "https"}://${urlHost}:${port}`;
  return {
    origin,
    apiUrl: `${origin}/api/v1`,
    ...createControls(environments),
    requests: (serverKey) =>
      recorded.filter(({ headers }) => serverKey === undefined || headers["x-environment-key"] === serverKey),
    forgetRequests: () => {
      recorded.length = 0;
    },
    get connections() {
      return opened;
    },
    refuse,
    accept: async () => {
      await listen(port);
    },
    [Symbol.asyncDispose]: refuse,
  };
}

function tlsOptions({ clientAuthority, ...pair }: NonNullable<FaultUpstreamSettings["tls"]>) {
  const asksClients = { ca: clientAuthority, requestCert: true, rejectUnauthorized: true };
  return clientAuthority === undefined ? pair : { ...pair, ...asksClients };
}

function createControls(
  environments: Map<string, FaultEnvironment>,
): Pick<FaultUpstream, "setDocument" | "setMode"> {
  return {
    setDocument(serverKey, document, lastModified) {
      const previous = environments.get(serverKey);
      environments.set(serverKey, {
        mode: previous?.mode ?? "ok",
        options: previous?.options ?? {},
        text: typeof document === "string" ? document : JSON.stringify(document),
        lastModified: lastModified === undefined ? nextLastModified(previous) : lastModified,
      });
    },
    setMode(serverKey, mode, options = {}) {
      const previous = environments.get(serverKey) ?? {
        text: "{}",
        lastModified: nextLastModified(undefined),
      };
      const status = typeof mode === "number" ? { status: mode } : {};
      const name = typeof mode === "number" ? "status" : mode;
      environments.set(serverKey, { ...previous, mode: name, options: { ...options, ...status } });
    },
  };
}

function recordOf(request: IncomingMessage, response: ServerResponse, connection: number): RecordedRequest {
  const { method = "", url: path = "", headers } = request;
  const record = { time: new Date(), method, path, headers, connection, endedTime: null as Date | null };
  response.on("close", () => {
    record.endedTime = new Date();
  });
  return record;
}

function keyOf({ headers }: IncomingMessage): string {
  return String(headers["x-environment-key"]);
}

function isReused(recorded: readonly RecordedRequest[], connection: number): boolean {
  return recorded.filter((each) => each.connection === connection).length > 1;
}

function nextLastModified(previous: { readonly lastModified: Date | null } | undefined): Date {
  const newerThanMs = previous?.lastModified?.getTime();
  return new Date(newerThanMs === undefined ? Date.now() - 3_600_000 : newerThanMs + 1000);
}

/** The routing and authentication of the real API, as far as the proxy sees them. */
function answer(
  environments: ReadonlyMap<string, FaultEnvironment>,
  arrived: Omit<Exchange, "url" | "environment">,
): void {
  const { request, response } = arrived;
  const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
  const environment = environments.get(keyOf(request));
  if (url.pathname !== "/api/v1/environment-document/") {
    response.writeHead(404, { "content-type": "application/json" }).end('{"detail":"Not found."}');
  } else if (environment === undefined) {
    response.writeHead(401, { "content-type": "application/json" }).end('{"detail":"Invalid key."}');
  } else {
    faultModes[environment.mode]({ ...arrived, url, environment });
  }
}
