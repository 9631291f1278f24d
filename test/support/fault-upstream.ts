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
 *     upstream.setDocument(discoveryPath, [{ … }]);     // what a proxy key opens; its modes as above
 *     upstream.setMode(usagePath, 503);                 // taken (204) unless told otherwise
 *     upstream.usage.length;
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

/** Where a proxy key is asked with; they stand for a server key in `setDocument` and `setMode`. */
export const discoveryPath = "/proxy/config/";
export const usagePath = "/proxy/usage/";
/** The one proxy key that it knows. */
export const proxyKey = "proxy-key-of-the-fault-upstream";

/** A report of usage as it arrived. */
export interface ReceivedUsage {
  /** Its `Idempotency-Key`. */
  readonly id: string;
  readonly rows: readonly { client_side_key: string; resource: string; count: number }[];
  /** Whether it was answered with 204. */
  readonly isTaken: boolean;
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
  /** All reports of usage so far. */
  readonly usage: readonly ReceivedUsage[];
  /** How many requests it had at most at the same time. */
  readonly concurrencyMax: number;
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
  const usage: ReceivedUsage[] = [];
  const connections = new Connections();
  const running = { now: 0, max: 0 };
  const requestsByKey = new Map<string, number>();
  const listener: RequestListener = (request, response) => {
    const { connection, isReused } = connections.carries(request.socket);
    recorded.push(recordOf(request, response, connection));
    countRunning(running, response);
    const key = keyOf(request);
    const number = requestsByKey.get(key) ?? 0;
    requestsByKey.set(key, number + 1);
    answer(environments, usage, { request, response, number, isReused });
  };
  const server =
    settings.tls === undefined ? createServer(listener) : createTlsServer(tlsOptions(settings.tls), listener);
  server.on(settings.tls === undefined ? "connection" : "secureConnection", (socket: object) =>
    connections.opens(socket),
  );
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
    forgetRequests: () => void recorded.splice(0),
    get connections() {
      return connections.opened;
    },
    get concurrencyMax() {
      return running.max;
    },
    usage,
    refuse,
    accept: async () => void (await listen(port)),
    [Symbol.asyncDispose]: refuse,
  };
}

/** Numbers connections, and knows whether they have carried a request. */
class Connections {
  opened = 0;
  /** Weak: a long test opens many, and looks at the memory of its process. */
  readonly #numbers = new WeakMap<object, number>();
  readonly #used = new WeakSet<object>();

  opens(socket: object): void {
    this.opened += 1;
    this.#numbers.set(socket, this.opened);
  }

  /** One more request. */
  carries(socket: object): { readonly connection: number; readonly isReused: boolean } {
    const isReused = this.#used.has(socket);
    this.#used.add(socket);
    return { connection: this.#numbers.get(socket) ?? 0, isReused };
  }
}

/** How many requests are answered at the same time, and the most that ever were. */
function countRunning(running: { now: number; max: number }, response: ServerResponse): void {
  running.now += 1;
  running.max = Math.max(running.max, running.now);
  response.on("close", () => {
    running.now -= 1;
  });
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

function nextLastModified(previous: { readonly lastModified: Date | null } | undefined): Date {
  const newerThanMs = previous?.lastModified?.getTime();
  return new Date(newerThanMs === undefined ? Date.now() - 3_600_000 : newerThanMs + 1000);
}

/** The routing and authentication of the real API, as far as the proxy sees them. */
function answer(
  environments: ReadonlyMap<string, FaultEnvironment>,
  usage: ReceivedUsage[],
  arrived: Omit<Exchange, "url" | "environment">,
): void {
  const { request, response } = arrived;
  const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
  const path = url.pathname.replace("/api/v1", "");
  const isOfProxyKey = path === discoveryPath || path === usagePath;
  const environment = environments.get(isOfProxyKey ? path : keyOf(request));
  if (isOfProxyKey && request.headers["x-proxy-key"] !== proxyKey) {
    response.writeHead(403, { "content-type": "application/json" }).end('{"detail":"Invalid key."}');
  } else if (path === usagePath && request.method === "POST") {
    const isTaken = environment === undefined || environment.mode === "ok";
    void readUsage(request, isTaken).then((received) => {
      usage.push(received);
      if (isTaken) response.writeHead(204).end();
      else faultModes[environment.mode]({ ...arrived, url, environment });
    });
  } else if (path === discoveryPath && environment !== undefined) {
    faultModes[environment.mode]({ ...arrived, url, environment });
  } else if (url.pathname !== "/api/v1/environment-document/") {
    response.writeHead(404, { "content-type": "application/json" }).end('{"detail":"Not found."}');
  } else if (environment === undefined) {
    response.writeHead(401, { "content-type": "application/json" }).end('{"detail":"Invalid key."}');
  } else {
    faultModes[environment.mode]({ ...arrived, url, environment });
  }
}

async function readUsage(request: IncomingMessage, isTaken: boolean): Promise<ReceivedUsage> {
  const rows = JSON.parse((await request.toArray()).join("")) as ReceivedUsage["rows"];
  return { id: String(request.headers["idempotency-key"]), rows, isTaken };
}
