/**
 * An HTTP client that sends the bytes it is given, right or wrong, and reads what comes back. It must not
 * repair, retry or pool anything: the tests of malformed requests depend on that.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectSecurely } from "node:tls";

export interface RawResponse {
  readonly status: number;
  /** Names in lower case; the values of a repeated header are joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

interface Waiter {
  readonly isHead: boolean;
  readonly resolve: (response: RawResponse) => void;
  readonly reject: (error: Error) => void;
}

const patienceMsDefault = 15_000;

/** One connection. All waits end by an error after `patienceMs`. */
export class RawConnection implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];
  readonly #closed: Promise<void>;
  readonly #patienceMs: number;
  #received = Buffer.alloc(0);
  #hasEnded = false;

  private constructor(socket: Socket, patienceMs: number) {
    this.#socket = socket;
    this.#patienceMs = patienceMs;
    // A reset is a close too: a byte that was sent while the server closed brings one.
    this.#closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#deliver();
    });
    socket.on("error", () => undefined);
    const end = () => {
      this.#hasEnded = true;
      this.#deliver();
    };
    socket.on("end", end);
    socket.on("close", end);
  }

  static async open(port: number, patienceMs = patienceMsDefault): Promise<RawConnection> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new RawConnection(socket, patienceMs);
  }

  /** Over TLS, with whatever certificate the server has. @throws where the handshake fails */
  static async openSecurely(port: number, options: ConnectionOptions = {}): Promise<RawConnection> {
    const socket = connectSecurely({ rejectUnauthorized: false, ...options, port, host: "127.0.0.1" });
    await once(socket, "secureConnect");
    return new RawConnection(socket, patienceMsDefault);
  }

  /** Sends bytes; a text is sent as Latin-1, so that each character up to U+00FF is one byte. */
  send(bytes: string | Uint8Array): this {
    if (!this.#socket.destroyed) {
      this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    }
    return this;
  }

  /** The bytes of what was sent that the kernel has taken. */
  get bytesWritten(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** What came and was not yet taken by `response`. */
  get unread(): string {
    return this.#received.toString("latin1");
  }

  get isOpen(): boolean {
    return !this.#hasEnded;
  }

  /** The next whole response. @throws where the connection ends before it is complete */
  response({ isHead = false } = {}): Promise<RawResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<RawResponse>();
    this.#waiters.push({ isHead, resolve, reject });
    this.#deliver();
    return this.#patiently(promise, "no whole response came");
  }

  /** Resolves when the server has closed the connection. */
  closed(): Promise<void> {
    return this.#patiently(this.#closed, "the connection was not closed");
  }

  /** Reads nothing from now on. */
  pause(): void {
    this.#socket.pause();
  }

  /** Ends our half; the server may still answer. */
  end(): void {
    this.#socket.end();
  }

  /** Aborts with a reset, as a crashed client does. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.#closed;
  }

  #deliver(): void {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      const parsed = parseResponse(this.#received, this.#hasEnded, waiter.isHead);
      if (parsed === null && !this.#hasEnded) return;
      this.#waiters.shift();
      if (parsed === null) waiter.reject(new Error(`the connection ended after '${this.unread}'`));
      else {
        this.#received = this.#received.subarray(parsed.length);
        waiter.resolve(parsed.response);
      }
    }
  }

  async #patiently<T>(promise: Promise<T>, complaint: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${complaint}; got '${this.unread}'`)), this.#patienceMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Null: not complete yet. */
function parseResponse(
  bytes: Buffer,
  hasEnded: boolean,
  isHead: boolean,
): { readonly response: RawResponse; readonly length: number } | null {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  const headers = parseHeaders(lines);
  const body = bytes.subarray(headEnd + 4);
  const found = (length: number, text: string) => ({
    response: { status, headers, body: text },
    length: headEnd + 4 + length,
  });
  if (isHead || status === 204 || status === 304 || status < 200) return found(0, "");
  if (headers.get("transfer-encoding") === "chunked") {
    const chunks = parseChunks(body);
    return chunks === null ? null : found(chunks.length, chunks.text);
  }
  const length = headers.get("content-length");
  if (length === undefined) return hasEnded ? found(body.length, body.toString("utf8")) : null;
  return body.length < Number(length)
    ? null
    : found(Number(length), body.toString("utf8", 0, Number(length)));
}

function parseHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  return headers;
}

function parseChunks(bytes: Buffer): { readonly text: string; readonly length: number } | null {
  const parts: Buffer[] = [];
  for (let position = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", position);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString("latin1", position, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return null;
    if (size === 0) return { text: Buffer.concat(parts).toString("utf8"), length: next };
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    position = next;
  }
}

/** Opens a connection, sends the bytes, reads one response, and hangs up. */
export async function ask(port: number, bytes: string | Uint8Array): Promise<RawResponse> {
  await using connection = await RawConnection.open(port);
  return await connection.send(bytes).response();
}

/** The response, and that the server closes the connection behind it. */
export async function askUntilClosed(port: number, bytes: string | Uint8Array): Promise<RawResponse> {
  await using connection = await RawConnection.open(port);
  const response = await connection.send(bytes).response();
  await connection.closed();
  return response;
}

/** The text of a request; a body gets its Content-Length unless the headers say how it is framed. */
export function requestText(
  requestLine: string,
  headers: readonly string[] = [],
  body: string | null = null,
): string {
  const isFramed = headers.some((each) => /^(content-length|transfer-encoding):/i.test(each));
  const length = body === null || isFramed ? [] : [`Content-Length: ${Buffer.byteLength(body, "latin1")}`];
  const host = headers.some((each) => /^host:/i.test(each)) ? [] : ["Host: proxy"];
  return `${[`${requestLine} HTTP/1.1`, ...host, ...headers, ...length].join("\r\n")}\r\n\r\n${body ?? ""}`;
}
