/**
 * A child process that keeps the proxy busy with the requests of a soak: on each connection one after the
 * other, and beside them clients that go away amid theirs. What is not answered as planned is counted, and
 * the next one is sent. It is told over IPC where to, and tells several times a second what became of it.
 */
import { connect } from "node:net";
import { constants, setPriority } from "node:os";
import { stopOrder } from "../load-orders.ts";
import type { Outcome } from "../load-outcomes.ts";
import { type DueRequest, OpenLoopConnections } from "../open-loop-connections.ts";
import { abortedTexts, requestOrder, type SoakRequest, soakRequests } from "./soak-requests.ts";

export interface ClosedLoopOrder {
  readonly port: number;
  readonly connections: number;
  /** A client waits so long for its answer, then it hangs up. */
  readonly patienceMs: number;
  /** So many clients go away amid their requests. */
  readonly abortsPerSecond: number;
}

export interface ClosedLoopReport {
  /** Answered as planned since the last report. */
  readonly planned: number;
  /** All else, such as `GET flags: 503`. */
  readonly unplanned: Readonly<Record<string, number>>;
  readonly aborted: number;
  /** The load was told to stop, and nothing is in flight any more. */
  readonly isLast: boolean;
}

const reportMs = 250;
/** Who was not answered at all waits before another try, as clients do. */
const retryMs = 50;

const order = requestOrder(soakRequests);

process.on("disconnect", () => process.exit(0));

// On one core with who measures latencies, it is not to be what they wait for.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

process.once("message", (options: ClosedLoopOrder) => {
  const load = new ClosedLoopLoad(options);
  process.on("message", (message) => {
    if (message === stopOrder) load.stop();
  });
});

class ClosedLoopLoad {
  readonly #order: ClosedLoopOrder;
  readonly #connections: OpenLoopConnections;
  readonly #reports: NodeJS.Timeout;
  #next = 0;
  #inFlight = 0;
  #abortsDue = 0;
  #aborts = 0;
  #planned = 0;
  #aborted = 0;
  #unplanned: Record<string, number> = {};
  #isStopped = false;

  constructor(options: ClosedLoopOrder) {
    this.#order = options;
    this.#connections = new OpenLoopConnections(options, (outcome, _ms, request) =>
      this.#end(outcome, request),
    );
    this.#reports = setInterval(() => this.#tick(), reportMs);
    for (let each = 0; each < options.connections; each += 1) this.#send();
  }

  stop(): void {
    this.#isStopped = true;
    this.#endIfDone();
  }

  #send(): void {
    if (this.#isStopped) return;
    const number = this.#next;
    this.#next += 1;
    this.#inFlight += 1;
    const index = order[number % order.length] as number;
    const text = (soakRequests[index] as SoakRequest).textOf(number);
    this.#connections.send({ index, text, dueMs: performance.now() });
  }

  #end(outcome: Outcome, { index }: DueRequest): void {
    const { name, planned } = soakRequests[index] as SoakRequest;
    this.#inFlight -= 1;
    if (outcome === planned) this.#planned += 1;
    else {
      const key = `${name}: ${outcome}`;
      this.#unplanned[key] = (this.#unplanned[key] ?? 0) + 1;
    }
    if (this.#isStopped) this.#endIfDone();
    else if (/^\d/.test(outcome)) this.#send();
    else setTimeout(() => this.#send(), retryMs);
  }

  #tick(): void {
    this.#connections.endOverdue();
    this.#abortsDue += (this.#order.abortsPerSecond * reportMs) / 1000;
    for (; this.#abortsDue >= 1 && !this.#isStopped; this.#abortsDue -= 1) this.#abort();
    this.#report(false);
  }

  /** Connects, sends a part or all of a request, and is gone: by a reset, or in order. */
  #abort(): void {
    const number = this.#aborts;
    this.#aborts += 1;
    const socket = connect({ port: this.#order.port, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => undefined);
    socket.once("connect", () => {
      socket.write(abortedTexts[number % abortedTexts.length] as string, "latin1");
      if (number % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
      this.#aborted += 1;
    });
  }

  #endIfDone(): void {
    if (this.#inFlight > 0) return;
    clearInterval(this.#reports);
    this.#connections.close();
    this.#report(true);
  }

  #report(isLast: boolean): void {
    const [planned, unplanned, aborted] = [this.#planned, this.#unplanned, this.#aborted];
    process.send?.({ planned, unplanned, aborted, isLast } satisfies ClosedLoopReport);
    this.#planned = 0;
    this.#aborted = 0;
    this.#unplanned = {};
  }
}
