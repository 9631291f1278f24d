/**
 * A forward proxy on loopback: absolute-form requests for http, CONNECT for https. It must not judge what it
 * forwards; it records it.
 */
import { once } from "node:events";
import { createServer, request as forward } from "node:http";
import { type AddressInfo, connect } from "node:net";

export interface ForwardProxy extends AsyncDisposable {
  readonly url: string;
  /** What was asked of it, such as `GET http://…` or `CONNECT host:port`. */
  readonly asked: readonly string[];
  /** The `Proxy-Authorization` of each. */
  readonly credentials: readonly (string | undefined)[];
}

/** @param refusal a status to answer everything with, in place of forwarding */
export async function startForwardProxy(refusal: number | null = null): Promise<ForwardProxy> {
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    credentials.push(request.headers["proxy-authorization"]);
    if (refusal !== null) {
      response.writeHead(refusal).end();
      return;
    }
    const { "proxy-authorization": _kept, ...headers } = request.headers;
    forward(request.url ?? "", { headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
      answer.pipe(response);
    }).end();
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    credentials.push(request.headers["proxy-authorization"]);
    if (refusal !== null) {
      socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
      return;
    }
    const target = new URL(`http://${request.url}`);
    const upstream = connect(Number(target.port), target.hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    credentials,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
