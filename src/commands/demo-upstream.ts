/**
 * A small upstream flag API for the demo: serves one file as the environment document, with `Last-Modified`
 * and 304 as the real one does, and another one as the list of environments that a proxy key opens. It is not
 * part of the proxy.
 */
import { readFile, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { discoveredEnvironments } from "../models/discovered-environments.ts";

export interface DemoUpstream extends AsyncDisposable {
  /** The `api_url` to configure. */
  readonly apiUrl: string;
}

export interface DemoUpstreamOptions {
  /** The environment document; read anew for each request, as the next one is. */
  readonly documentFile: URL;
  /** The environments and their keys: each has that document. */
  readonly listFile: URL;
  readonly proxyKey: string;
}

/** Listens on a free port of this machine alone; disposing of it closes all its connections. */
export async function startDemoUpstream(options: DemoUpstreamOptions): Promise<DemoUpstream> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch(() => sendJson(response, 500, { detail: "cannot read" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    apiUrl: `http://127.0.0.1:${port}/api/v1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  options: DemoUpstreamOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers, method, url } = request;
  const holdsProxyKey = headers["x-proxy-key"] === options.proxyKey;
  if (url?.startsWith("/api/v1/proxy/") && !holdsProxyKey) {
    sendJson(response, 403, { detail: "Invalid or missing proxy key" });
  } else if (url === "/api/v1/proxy/config/") {
    sendFile(response, await readFile(options.listFile));
  } else if (url === "/api/v1/proxy/usage/" && method === "POST") {
    request.resume().on("end", () => response.writeHead(204).end());
  } else if (!(await hasServerKey(options.listFile, String(headers["x-environment-key"])))) {
    sendJson(response, 403, { detail: "Invalid or missing Environment Key" });
  } else if (url === "/api/v1/environment-document/") {
    await sendDocument(options.documentFile, request, response);
  } else sendJson(response, 404, { detail: "Not found." });
}

async function hasServerKey(listFile: URL, key: string): Promise<boolean> {
  const list = discoveredEnvironments.parse(JSON.parse(await readFile(listFile, "utf8")), { jitless: true });
  const keys = list.flatMap(({ server_side_keys }) => server_side_keys);
  return keys.some((each) => each.active && each.key === key);
}

async function sendDocument(file: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { mtime } = await stat(file);
  const lastModified = mtime.toUTCString();
  const isHeld = request.headers["if-modified-since"] === lastModified;
  const body = isHeld ? null : await readFile(file);
  response.setHeader("last-modified", lastModified);
  if (body === null) response.writeHead(304).end();
  else sendFile(response, body);
}

/** @param body read before: an answer that has begun could not be one of 500 any more */
function sendFile(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { "content-type": "application/json" }).end(body);
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
