/**
 * A small upstream flag API for the demo: serves one file as the environment document, with `Last-Modified`
 * and 304 as the real one does. It is not part of the proxy.
 */
import { readFile, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface DemoUpstream extends AsyncDisposable {
  /** The `api_url` to configure. */
  readonly apiUrl: string;
}

/**
 * @param file the environment document; read anew for each request
 * @param serverKey the one key it knows
 */
export async function startDemoUpstream(file: URL, serverKey: string): Promise<DemoUpstream> {
  const server = createServer((request, response) => {
    answer(file, serverKey, request, response).catch(() =>
      sendJson(response, 500, { detail: "cannot read" }),
    );
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

async function answer(file: URL, serverKey: string, request: IncomingMessage, response: ServerResponse) {
  if (request.headers["x-environment-key"] !== serverKey) {
    return sendJson(response, 403, { detail: "Invalid or missing Environment Key" });
  }
  if (request.url !== "/api/v1/environment-document/")
    return sendJson(response, 404, { detail: "Not found." });
  const { mtime } = await stat(file);
  const lastModified = mtime.toUTCString();
  response.setHeader("last-modified", lastModified);
  if (request.headers["if-modified-since"] === lastModified) return void response.writeHead(304).end();
  return void response.writeHead(200, { "content-type": "application/json" }).end(await readFile(file));
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
