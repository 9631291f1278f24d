/**
 * The servers that are measured, as fresh processes: our proxy as its users start it, in front of an upstream
 * on loopback, and the bare server that repeats the proxy's answer.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../test/support/local-ports.ts";
import type { BareAnswer } from "./bare-server.ts";
import { Child } from "./child-process.ts";
import { type HttpCase, type HttpRequest, identityBody } from "./http-cases.ts";
import { environmentKeys } from "./profile-document.ts";

/** What processes keep on disk is gone when the benchmark ends. */
const storageRoot = mkdtempSync(join(tmpdir(), "bench-storage-"));
process.once("exit", () => rmSync(storageRoot, { recursive: true, force: true }));

export interface MeasuredServer {
  readonly process: Child;
  readonly port: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Upstream {
  /** The `api_url` to configure. */
  readonly apiUrl: string;
  /** How many requests it got so far. */
  requests(): number;
  close(): void;
}

/**
 * Serves documents, as long as the benchmark runs.
 * @param documents one for all environments, or one for each server key
 */
export async function startUpstream(documents: string | ReadonlyMap<string, string>): Promise<Upstream> {
  const lastModified = new Date(0).toUTCString();
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    const key = String(request.headers["x-environment-key"]);
    const text = typeof documents === "string" ? documents : documents.get(key);
    const headers = { "content-type": "application/json", "last-modified": lastModified };
    response.writeHead(text === undefined ? 401 : 200, headers).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    apiUrl: `http://127.0.0.1:${port}/api/v1`,
    requests: () => requests,
    close: () => server.close().closeAllConnections(),
  };
}

export interface ProxyProgram {
  readonly main: URL;
  readonly environment: Readonly<Record<string, string>>;
}

export interface ProxyOptions {
  readonly apiUrl: string;
  /** Its entry, and what is set in its environment by whoever ships it. */
  readonly proxy: ProxyProgram;
  /** Null: any. Core 0 where it is not given. */
  readonly core?: 0 | null;
  readonly isProbed?: boolean;
  /** Any free one where it is not given. */
  readonly port?: number;
  /** One where it is not given; their keys are `environmentKeys`. */
  readonly environments?: number;
  /** As environment variables, beside those of keys, upstream, address and a poll that comes once. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** @returns the proxy once it serves its documents */
export async function startProxy(options: ProxyOptions): Promise<MeasuredServer> {
  const server = await spawnProxy(options);
  const isReady = async () => (await getStatus(server.port, "/proxy/health", {})) === 200;
  try {
    await waitUntil(isReady, 25);
    return server;
  } catch (error) {
    await server.process[Symbol.asyncDispose]();
    throw error;
  }
}

/** @returns the proxy, which does not listen yet */
export async function spawnProxy(options: ProxyOptions): Promise<MeasuredServer> {
  const { apiUrl, proxy, core = 0, isProbed = false, environments = 1, settings } = options;
  const port = options.port ?? (await freePort());
  const pairs = Array.from({ length: environments }, (_, environment) => {
    const { client, server } = environmentKeys(environment);
    return { client_side_key: client, server_side_key: server };
  });
  const environment = {
    ...proxy.environment,
    STORAGE__PATH: makeStorage(),
    ENVIRONMENT_KEY_PAIRS: JSON.stringify(pairs),
    API_URL: apiUrl,
    API_POLL_FREQUENCY_SECONDS: "3600",
    SERVER__HOST: "127.0.0.1",
    SERVER__PORT: String(port),
    ...settings,
  };
  return { process: new Child({ program: [proxy.main, "serve"], core, environment, isProbed }), port };
}

/** A server with a document of 50 MiB takes a few seconds until it answers. */
const waitLimitMs = 60_000;

/**
 * Asks again and again. A question that fails counts as no.
 * @throws Error after a minute of no
 */
export async function waitUntil(ask: () => Promise<boolean>, pauseMs: number): Promise<void> {
  const endMs = performance.now() + waitLimitMs;
  while (performance.now() < endMs) {
    if (await ask().catch(() => false)) return;
    await sleep(pauseMs);
  }
  throw new Error(`it did not come to be within ${waitLimitMs / 1000} s: ${ask}`);
}

/** @returns the status of a GET, on a connection of its own */
export function getStatus(port: number, path: string, headers: HttpRequest["headers"]): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: "127.0.0.1", path, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", reject);
    request.end();
  });
}

/**
 * @param answer what it shall repeat
 * @param builtMain the server's built form, to be started as it is; else it is started with a probe
 */
export async function startBareServer(
  { status, headers, body }: Answer,
  builtMain?: URL,
): Promise<MeasuredServer> {
  const program = [builtMain ?? new URL("./bare-server.ts", import.meta.url)] as const;
  const process = new Child({ program, core: 0, isProbed: builtMain === undefined });
  const order: BareAnswer = { status, headers, bodyBase64: body.toString("base64") };
  const { port } = await process.ask<{ port: number }>(order);
  return { process, port };
}

/** The case's request as it is sent, with the ETag where it revalidates. */
export async function settleRequest({ port }: MeasuredServer, httpCase: HttpCase): Promise<HttpRequest> {
  const { request, revalidates } = httpCase;
  if (!revalidates) return request;
  const { headers } = await fetchAnswer(port, request);
  return { ...request, headers: { ...request.headers, "if-none-match": headers["etag"] ?? "" } };
}

/** One answer, without the headers that Node adds to every answer by itself. */
export async function fetchAnswer(port: number, request: HttpRequest): Promise<Answer> {
  const { method, path, headers, bodies } = request;
  const sent = httpRequest({ port, host: "127.0.0.1", method, path, headers, agent: false });
  sent.end(identityBody(bodies, 1));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const own: Record<string, string> = {};
  for (let place = 0; place < response.rawHeaders.length; place += 2) {
    const [name = "", value = ""] = response.rawHeaders.slice(place, place + 2);
    if (!/^(date|connection|keep-alive)$/i.test(name)) own[name] = value;
  }
  return { status: response.statusCode ?? 0, headers: own, body: Buffer.concat(chunks) };
}

/** A folder for one process. */
function makeStorage(): string {
  return mkdtempSync(join(storageRoot, "process-"));
}
