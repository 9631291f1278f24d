/**
 * The two servers that the HTTP benchmark compares, as fresh processes: our proxy as its users start it, in
 * front of an upstream on loopback, and the bare server that repeats the proxy's answer.
 */
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { BareAnswer } from "./bare-server.ts";
import { Child } from "./child-process.ts";
import { type HttpCase, type HttpRequest, identityBody } from "./http-cases.ts";
import { clientKey, serverKey } from "./profile-document.ts";

/** The entry of the measured proxy: `BENCH_MAIN` names another checkout's, for an A/B of two versions. */
const mainFile =
  process.env["BENCH_MAIN"] === undefined
    ? new URL("../src/main.ts", import.meta.url)
    : pathToFileURL(resolve(process.env["BENCH_MAIN"]));

export interface MeasuredServer {
  readonly process: Child;
  readonly port: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Serves one document, as long as the benchmark runs. @returns the `api_url` to configure */
export async function startUpstream(
  documentText: string,
): Promise<{ readonly apiUrl: string; close(): void }> {
  const lastModified = new Date(0).toUTCString();
  const server = createServer((_request, response) => {
    const headers = { "content-type": "application/json", "last-modified": lastModified };
    response.writeHead(200, headers).end(documentText);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { apiUrl: `http://127.0.0.1:${port}/api/v1`, close: () => server.close().closeAllConnections() };
}

/** @returns the proxy once it serves its document */
export async function startProxy(apiUrl: string): Promise<MeasuredServer> {
  const port = await freePort();
  const environment = {
    ENVIRONMENT_KEY_PAIRS: JSON.stringify([{ client_side_key: clientKey, server_side_key: serverKey }]),
    API_URL: apiUrl,
    API_POLL_FREQUENCY_SECONDS: "3600",
    SERVER__HOST: "127.0.0.1",
    SERVER__PORT: String(port),
  };
  const process = new Child({ program: [mainFile, "serve"], core: 0, environment, probesCpu: true });
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const { statusCode } = await get(port).catch(() => ({ statusCode: 0 }));
    if (statusCode === 200) return { process, port };
    await sleep(25);
  }
  await process[Symbol.asyncDispose]();
  throw new Error("the proxy did not become ready");
}

function get(port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: "127.0.0.1", path: "/proxy/health", agent: false },
      (response) => {
        response.resume();
        resolve(response);
      },
    );
    request.on("error", reject);
    request.end();
  });
}

/** @param answer what it shall repeat */
export async function startBareServer({ status, headers, body }: Answer): Promise<MeasuredServer> {
  const program = [new URL("./bare-server.ts", import.meta.url)] as const;
  const process = new Child({ program, core: 0, probesCpu: true });
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
