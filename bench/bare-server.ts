/**
 * The yardstick: a bare `node:http` server that answers each request with the same bytes and headers. It is
 * told them over IPC, reads the body of a POST as any server must, and does nothing else.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface BareAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBase64: string;
}

process.once("message", ({ status, headers, bodyBase64 }: BareAnswer) => {
  const body = Buffer.from(bodyBase64, "base64");
  const answer = (response: ServerResponse): void => {
    response.writeHead(status, headers);
    if (body.length === 0) response.end();
    else response.end(body);
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== "POST") return answer(response);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      Buffer.concat(chunks);
      answer(response);
    });
  });
  server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
});
