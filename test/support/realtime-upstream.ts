/**
 * The upstream's event streams on loopback, which misbehave on demand. It must not be lenient: what it
 * records is what came over the wire.
 *
 *     await using realtime = await startRealtimeUpstream();
 *     realtime.setMode("drop");                    // from the next connect on
 *     realtime.send(changeEvent(1713428180.67));   // to all who listen
 *     realtime.closeAll();
 *
 * Its `url` is for the setting `realtime.url`.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** How a connect is answered. */
export type RealtimeMode =
  /** A stream: a comment at once, then what `send` is given. */
  | "ok"
  /** No answer. */
  | "hang"
  /** A stream that is cut off after its first comment. */
  | "drop"
  /** As `drop`, but ended in order. */
  | "end"
  | 401
  | 500
  | 503
  /** Events that are none, of fields that are none. */
  | "malformed"
  /** One event that goes on for ever. */
  | "huge"
  /** As many events as the connection takes. */
  | "flood"
  /** To `target`. */
  | "redirect"
  /** A stream without a byte. */
  | "silent"
  /** A web page. */
  | "page"
  /** A stream that says it is compressed. */
  | "gzip";

/** One connect as it arrived. */
export interface RecordedConnect {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

export interface RealtimeUpstream extends AsyncDisposable {
  /** With a slash at its end. */
  readonly url: string;
  readonly connects: readonly RecordedConnect[];
  /** How many listen now. */
  readonly listeners: number;
  /** @param target where `redirect` leads */
  setMode(mode: RealtimeMode, target?: string): void;
  /** To all who listen, as it is. */
  send(text: string): void;
  /** Ends all streams in order. */
  closeAll(): void;
}

const stream = { "content-type": "text/event-stream", "cache-control": "no-cache" };

/** @param tls PEM texts: serve https */
export async function startRealtimeUpstream(tls?: {
  readonly key: string;
  readonly cert: string;
}): Promise<RealtimeUpstream> {
  const connects: RecordedConnect[] = [];
  const listeners = new Set<ServerResponse>();
  const state: { mode: RealtimeMode; target: string } = { mode: "ok", target: "/" };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    connects.push({ path: request.url ?? "", headers: request.headers });
    answer(state, response, listeners);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}/`,
    connects,
    get listeners() {
      return listeners.size;
    },
    setMode(mode, target = "/") {
      Object.assign(state, { mode, target });
    },
    send(text) {
      for (const response of listeners) response.write(text);
    },
    closeAll() {
      for (const response of listeners) response.end();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** As the contract has it (A10). @param updatedAt seconds since the epoch */
export function changeEvent(updatedAt: number): string {
  return `event: environment_updated\ndata: {"updated_at": ${updatedAt}}\n\n`;
}

type Answers = Readonly<Record<Exclude<RealtimeMode, number>, (response: ServerResponse) => void>>;

function answer(
  { mode, target }: { readonly mode: RealtimeMode; readonly target: string },
  response: ServerResponse,
  listeners: Set<ServerResponse>,
): void {
  const begin = (): void => {
    response.writeHead(200, stream).flushHeaders();
  };
  const listen = (): void => {
    begin();
    listeners.add(response);
    response.on("close", () => listeners.delete(response));
  };
  const answers: Answers = {
    ok() {
      listen();
      response.write(": hello\n\n");
    },
    hang: () => undefined,
    drop() {
      begin();
      response.write(": hello\n\n", () => response.destroy());
    },
    end() {
      begin();
      response.end(": hello\n\n");
    },
    malformed() {
      listen();
      response.write(
        "\ufeffwhat: is this\nretry: soon\nid\n\ndata\n\n\u0000\r\r\nevent: other\ndata: {}\n\n",
      );
      response.write(
        "event: environment_updated\ndata: {not json\n\ndata: [1]\n\ndata: null\n\ndata: 7\ndata\n\n",
      );
    },
    huge() {
      begin();
      response.write("data: ");
      pour(response, "x".repeat(10_000));
    },
    flood() {
      begin();
      pour(response, changeEvent(4_000_000_000.5).repeat(100));
    },
    redirect: () => void response.writeHead(302, { location: target }).end(),
    silent: begin,
    page: () => void response.writeHead(200, { "content-type": "text/html" }).end("<p>Hello</p>"),
    gzip: () => void response.writeHead(200, { ...stream, "content-encoding": "gzip" }).end("x"),
  };
  if (typeof mode === "number")
    response.writeHead(mode, mode === 503 ? { "retry-after": "7" } : {}).end("no");
  else answers[mode](response);
}

/** Writes until the other side goes away, no faster than it reads. */
function pour(response: ServerResponse, text: string): void {
  const write = (): void => {
    while (!response.destroyed && response.write(text));
  };
  response.on("drain", write);
  write();
}
