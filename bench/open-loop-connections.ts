/**
 * The connections of a load: each has one request at a time, further requests wait until one is free. Raw
 * bytes on `node:net`, so that one core can overload another one.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Outcome } from "./load-outcomes.ts";

/** One request that is due. */
export interface DueRequest {
  /** Which of the order's requests. */
  readonly index: number;
  readonly text: string;
  /** On the clock of `performance.now()`. */
  readonly dueMs: number;
}

export interface ConnectionsOptions {
  readonly port: number;
  readonly connections: number;
  readonly patienceMs: number;
  readonly comparesBodies?: boolean;
}

type OnEnd = (outcome: Outcome, ms: number, request: DueRequest) => void;

interface Connection {
  readonly socket: Socket;
  request: DueRequest | null;
  /** What came of its answer so far. */
  chunks: Buffer[];
  received: number;
  /** Of the answer with its head; null before the head is there. */
  length: number | null;
}

const headEnd = "\r\n\r\n";

export class OpenLoopConnections {
  readonly #options: ConnectionsOptions;
  readonly #onEnd: OnEnd;
  readonly #all = new Set<Connection>();
  readonly #free: Connection[] = [];
  readonly #waiting: DueRequest[] = [];
  readonly #firstBodies = new Map<number, Buffer>();
  #isClosed = false;

  constructor(options: ConnectionsOptions, onEnd: OnEnd) {
    this.#options = options;
    this.#onEnd = onEnd;
  }

  /** Makes so many connections; resolves when each is there, or cannot be. */
  async openAll(count: number): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, async () => {
        const connection = this.#open();
        await once(connection.socket, "connect").then(
          () => this.#free.push(connection),
          () => undefined,
        );
      }),
    );
  }

  /** Sends it, or has it wait for a connection. */
  send(request: DueRequest): void {
    // Each in its turn, as those of many clients: else most would be idle for good.
    const free = this.#free.shift();
    if (free !== undefined) this.#write(free, request);
    else if (this.#all.size < this.#options.connections) this.#write(this.#open(), request);
    else this.#waiting.push(request);
  }

  /** Clients whose patience is at its end hang up, those that still wait for a connection too. */
  endOverdue(): void {
    const overdueMs = performance.now() - this.#options.patienceMs;
    while (this.#waiting.length > 0 && (this.#waiting[0] as DueRequest).dueMs < overdueMs) {
      this.#tell("timeout", this.#waiting.shift() as DueRequest);
    }
    for (const connection of this.#all) {
      if (connection.request !== null && connection.request.dueMs < overdueMs) {
        this.#end(connection, "timeout");
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { socket } of this.#all) socket.destroy();
  }

  #open(): Connection {
    const socket = connect({ port: this.#options.port, host: "127.0.0.1", noDelay: true });
    const connection: Connection = { socket, request: null, chunks: [], received: 0, length: null };
    this.#all.add(connection);
    let isOpen = false;
    socket.on("connect", () => {
      isOpen = true;
    });
    socket.on("data", (chunk: Buffer) => this.#read(connection, chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#end(connection, isOpen ? (connection.received > 0 ? "partial" : "reset") : "refused");
    });
    return connection;
  }

  #write(connection: Connection, request: DueRequest): void {
    connection.request = request;
    connection.socket.write(request.text, "latin1");
  }

  #read(connection: Connection, chunk: Buffer): void {
    connection.chunks.push(chunk);
    connection.received += chunk.length;
    if (connection.length === null) {
      const head = Buffer.concat(connection.chunks);
      const place = head.indexOf(headEnd);
      if (place === -1) return;
      const text = head.toString("latin1", 0, place);
      const length = /^content-length: *(\d+)/im.exec(text)?.[1];
      if (length === undefined && !text.startsWith("HTTP/1.1 304 ")) {
        // Node's own refusals have no body: they end with their connection.
        const isRefusal = /^HTTP\/1\.1 4\d\d .*\r\nconnection: close$/i.test(text);
        this.#end(connection, isRefusal ? (text.slice(9, 12) as Outcome) : "malformed");
        return;
      }
      connection.length = place + headEnd.length + Number(length ?? 0);
    }
    if (connection.received >= connection.length) this.#finish(connection);
  }

  /** The answer is whole. */
  #finish(connection: Connection): void {
    const { request, chunks, length } = connection;
    const answer = Buffer.concat(chunks);
    if (request === null || answer.length !== length) {
      this.#end(connection, "malformed");
      return;
    }
    const place = answer.indexOf(headEnd);
    const head = answer.toString("latin1", 0, place);
    const outcome = this.#outcomeOf(request, head.slice(9, 12), answer.subarray(place));
    if (/^connection: close/im.test(head)) {
      this.#end(connection, outcome);
      return;
    }
    Object.assign(connection, { request: null, chunks: [], received: 0, length: null });
    this.#tell(outcome, request);
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(connection);
    else this.#write(connection, next);
  }

  #outcomeOf({ index }: DueRequest, status: string, body: Buffer): Outcome {
    if (!this.#options.comparesBodies || status !== "200") return status as Outcome;
    const first = this.#firstBodies.get(index);
    if (first === undefined) this.#firstBodies.set(index, Buffer.from(body));
    return first === undefined || first.equals(body) ? "200" : "changed";
  }

  /** The connection is given up, and another one takes the next request. */
  #end(connection: Connection, outcome: Outcome): void {
    if (!this.#all.delete(connection)) return;
    const place = this.#free.indexOf(connection);
    if (place !== -1) this.#free.splice(place, 1);
    connection.socket.destroy();
    if (connection.request !== null) this.#tell(outcome, connection.request);
    if (this.#isClosed) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#write(this.#open(), next);
  }

  #tell(outcome: Outcome, request: DueRequest): void {
    this.#onEnd(outcome, performance.now() - request.dueMs, request);
  }
}
