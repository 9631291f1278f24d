/**
 * Owns the listening socket: listens with a clear error, and drains so that no request is lost (reliability
 * 2.9). It does not know what the requests are.
 */
import type { Server, ServerResponse } from "node:http";
import { Server as HttpsServer } from "node:https";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import type { ServerSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import { settlesWithin } from "../time-limit.ts";
import { LingeringConnections } from "./lingering-close.ts";
import { UnreadAnswers } from "./unread-answers.ts";

/** The socket could not be opened; the message says what to do (exit code 69). */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/**
 * How long a draining server waits for the first request of a connection that it has accepted, in
 * milliseconds.
 */
const firstRequestMsMax = 1000;

export interface HttpListenerOptions {
  readonly server: Server;
  /** The section of the settings that it listens by, for errors. */
  readonly section: "server" | "admin";
  readonly settings: ServerSettings;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * A socket with the answer that Node's server has in the making on it. The name is Node's own and
 * undocumented; keeping a list of open answers would cost each request, and without the name a drain only
 * lasts longer.
 */
type Connection = Socket & { readonly _httpMessage?: ServerResponse | null };

/** Listens once, and drains once. */
export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #rush = new AbortController();
  readonly #closed = new AbortController();
  readonly #connections = new Set<Connection>();
  /** Of TLS: connections that are not secure yet, by their peers. Node's HTTP server knows none of them. */
  readonly #handshakes = new Map<string, Socket>();
  readonly #lingering: LingeringConnections;
  #draining: Promise<void> | null = null;
  #hasWarned = false;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#lingering = new LingeringConnections(options.clock);
    const isSecure = options.server instanceof HttpsServer;
    options.server.on(isSecure ? "secureConnection" : "connection", (connection: Connection) => {
      this.#connections.add(connection);
      this.#lingering.watch(connection);
      connection.once("close", () => this.#connections.delete(connection));
    });
    if (isSecure) this.#watchHandshakes();
  }

  /** True from the moment a drain begins: readiness then answers 503. */
  get isDraining(): boolean {
    return this.#draining !== null;
  }

  /**
   * @param port the setting's unless given
   * @returns where it listens, such as `http://127.0.0.1:8000`
   * @throws ListenError where the port is taken, the host is not this machine's, or the user may not
   */
  async listen(port = this.#options.settings.port): Promise<string> {
    const { clock, server, section, settings } = this.#options;
    const { host, backlog } = settings;
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => reject(explainListenError(error, section, host, port));
      server.once("error", fail).listen({ host, port, backlog }, () => {
        server.off("error", fail).on("error", (error) => this.#warnOfAccept(error));
        resolve();
      });
    });
    const { address, family, port: found } = server.address() as AddressInfo;
    const unread = { connections: this.#connections, timeoutMs: settings.writeTimeoutMs, clock };
    void new UnreadAnswers(unread).cutUntil(this.#closed.signal);
    const scheme = server instanceof HttpsServer ? "https" : "http";
    return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${found}`;
  }

  /**
   * Ends in order: keep accepting for a while with `Connection: close` on each answer, so that balancers
   * notice; then stop accepting, and wait for what is in flight. A second call joins the first.
   */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Cuts a drain short: connections are closed at once. */
  cutDrain(): void {
    this.#rush.abort();
    this.#closeAll();
  }

  async #drain(): Promise<void> {
    const { clock, logger, server, settings } = this.#options;
    logger.info(
      { drainDelayMs: settings.drainDelayMs },
      "Draining: readiness answers 503, connections close",
    );
    server.prependListener("request", (_request, response) => closeAfterAnswer(response));
    for (const { _httpMessage: response } of this.#connections) if (response) closeAfterAnswer(response);
    await clock.sleep(settings.drainDelayMs, this.#rush.signal);
    // Who connected in the last turn waits in the kernel's queue, and would be reset with it. The loop has
    // just emptied the queue when it comes to this.
    await new Promise((resolve) => setImmediate(resolve));
    // A drain waits for answers, not for what comes behind them.
    this.#lingering.end();
    // Node's HTTP server would close idle connections in the same breath: those of clients that have
    // connected and are about to send their first request.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
    const endMs = clock.monotonicMs() + settings.drainTimeoutMs;
    await this.#upTo(Math.min(firstRequestMsMax, settings.drainTimeoutMs), closed);
    await this.#upTo(endMs - clock.monotonicMs(), this.#answersSent());
    // It does not listen any more: this closes idle connections, and ends Node's own check of time limits.
    server.close();
    this.#closeHandshakes();
    await this.#upTo(endMs - clock.monotonicMs(), closed);
    this.#closeAll();
    await closed;
    this.#closed.abort();
    logger.info({}, "Drained: no connection is left");
  }

  /** Unheard, it would end the process. It comes again with each connection, and is told once. */
  #warnOfAccept(error: NodeJS.ErrnoException): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const reason = error.code ?? error.message;
    this.#options.logger.warn({ reason }, "A connection could not be accepted. Look at ulimit -n");
  }

  #closeAll(): void {
    this.#options.server.closeAllConnections();
    this.#closeHandshakes();
  }

  /** Who has sent nothing but a part of a handshake has no request in flight. */
  #closeHandshakes(): void {
    for (const socket of this.#handshakes.values()) socket.destroy();
  }

  #watchHandshakes(): void {
    const { server } = this.#options;
    const peerOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
    server.on("connection", (socket: Socket) => {
      const peer = peerOf(socket);
      this.#handshakes.set(peer, socket);
      socket.once("close", () => {
        if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer);
      });
    });
    server.on("secureConnection", (socket: Socket) => this.#handshakes.delete(peerOf(socket)));
  }

  /**
   * Waits until no answer is on its way. Node counts a connection as idle, and would close it, once its
   * answer is handed over, however much of it a slow client has yet to take.
   */
  async #answersSent(): Promise<void> {
    const unsent = () =>
      [...this.#connections].flatMap(({ _httpMessage: answer }) => (answer?.writableEnded ? answer : []));
    for (let answers = unsent(); answers.length > 0; answers = unsent()) {
      await Promise.all(answers.map((answer) => new Promise((resolve) => answer.once("close", resolve))));
    }
  }

  /** Waits for `end`, but no longer than `ms`, nor beyond a second signal. */
  async #upTo(ms: number, end: Promise<void>): Promise<void> {
    await settlesWithin(end, ms, this.#options.clock, this.#rush.signal);
  }
}

function closeAfterAnswer(response: ServerResponse): void {
  response.shouldKeepAlive = false;
}

function explainListenError(
  error: NodeJS.ErrnoException,
  section: string,
  host: string,
  port: number,
): ListenError {
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: `the port is in use. Stop what listens there, or set ${section}.port`,
    EADDRNOTAVAIL: `this machine has no such address. Set ${section}.host to 0.0.0.0`,
    ENOTFOUND: `the host name is unknown. Set ${section}.host to 0.0.0.0`,
    EACCES: `this user may not. Set ${section}.port to 1024 or above`,
  };
  const why = remedies[error.code ?? ""] ?? error.code ?? error.message;
  return new ListenError(`cannot listen on ${host}:${port}: ${why}`, { cause: error });
}
