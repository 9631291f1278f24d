/**
 * A child process that sends requests over keep-alive connections, one at a time on each, as raw bytes on
 * `node:net`: cheap enough to keep a server busy from one core. It is told over IPC what to send, and
 * answers when it is done.
 */
import { connect, type Socket } from "node:net";
import type { HttpRequest } from "./http-cases.ts";
import { stopOrder } from "./load-orders.ts";
import { environmentKeys } from "./profile-document.ts";
import { requestText } from "./request-text.ts";

export interface LoadOrder {
  /** Connections take turns; one for most. */
  readonly ports: readonly number[];
  readonly request: HttpRequest;
  /** What each answer must have. */
  readonly status: number;
  readonly requests: number;
  readonly connections: number;
  /** The number of the first request: distinct bodies go on from there. */
  readonly firstNumber: number;
  /** What each connection waits between an answer and its next request; nothing where it is not given. */
  readonly pauseMs?: number;
  /** So many environments take turns, by their client keys; the request's own key where it is not given. */
  readonly environments?: number;
}

export interface LoadAnswer {
  readonly requests: number;
}

const headEnd = "\r\n\r\n";

process.on("disconnect", () => process.exit(0));
const stops = new Set<() => void>();

process.on("message", (order: LoadOrder | typeof stopOrder) => {
  if (order === stopOrder) {
    for (const stop of stops) stop();
    return;
  }
  run(order).then(
    (requests) => process.send?.({ requests } satisfies LoadAnswer),
    (error: Error) => process.send?.({ error: error.message }),
  );
});

/** @returns how many requests were answered */
async function run(order: LoadOrder): Promise<number> {
  let next = order.firstNumber;
  let end = next + order.requests;
  const nextRequest = (): string | null => {
    if (next === end) return null;
    next += 1;
    return requestText(requestOf(order, next - 1), next - 1);
  };
  const stop = (): void => {
    end = next;
  };
  stops.add(stop);
  try {
    const { connections, ports } = order;
    const portOf = (index: number) => ports[index % ports.length] as number;
    await Promise.all(
      Array.from({ length: connections }, (_, index) => runConnection(portOf(index), order, nextRequest)),
    );
  } finally {
    stops.delete(stop);
  }
  return end - order.firstNumber;
}

/** With one environment after the other, where there are several. */
function requestOf({ request, environments }: LoadOrder, number: number): HttpRequest {
  if (environments === undefined) return request;
  const key = environmentKeys(number % environments).client;
  return { ...request, headers: { ...request.headers, "x-environment-key": key } };
}

function runConnection(
  port: number,
  { status, pauseMs = 0 }: LoadOrder,
  nextRequest: () => string | null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const send = (): void => {
      const text = nextRequest();
      if (text === null) {
        socket.removeAllListeners("close");
        socket.destroy();
        resolve();
      } else socket.write(text, "latin1");
    };
    const sendLater = (): void => void setTimeout(send, pauseMs);
    readAnswers(socket, `HTTP/1.1 ${status} `, pauseMs === 0 ? send : sendLater, reject);
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed a connection")));
  });
}

/** Counts bytes by `Content-Length`, and looks at nothing else of an answer but its status. */
function readAnswers(
  socket: Socket,
  statusLine: string,
  onAnswer: () => void,
  onFault: (error: Error) => void,
): void {
  let missing = 0;
  let head = "";
  socket.on("data", (chunk: Buffer) => {
    if (missing > 0) missing -= chunk.length;
    else {
      const place = chunk.indexOf(headEnd);
      head += chunk.toString("latin1", 0, place === -1 ? chunk.length : place);
      if (place === -1) return;
      if (!head.startsWith(statusLine))
        onFault(new Error(`expected ${statusLine}, got ${head.slice(0, 200)}`));
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      head = "";
      missing = place + headEnd.length + length - chunk.length;
    }
    if (missing === 0) onAnswer();
  });
}
