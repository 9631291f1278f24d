/**
 * A child process that sends requests at a fixed rate, whatever becomes of the earlier ones: an open loop, as
 * many independent clients are. What a request took counts from the time when it was to be sent, so a server
 * that stands still is seen by all that should have come meanwhile. It is told over IPC what to send, and
 * tells once a second what became of it.
 */
import type { HttpRequest } from "./http-cases.ts";
import { stopOrder } from "./load-orders.ts";
import { countOutcome, type Outcomes } from "./load-outcomes.ts";
import { OpenLoopConnections } from "./open-loop-connections.ts";
import { requestText } from "./request-text.ts";

export interface OpenLoopOrder {
  readonly port: number;
  /** They take turns. */
  readonly requests: readonly HttpRequest[];
  readonly perSecond: number;
  /** At most so many at a time. */
  readonly connections: number;
  /** So many are made before the first request is sent, as those of clients that are there already. */
  readonly connectionsAtStart?: number;
  /** A client waits so long for its answer, then it hangs up. */
  readonly patienceMs: number;
  /** Whether the bodies of 200 are compared with the first one of the same request. */
  readonly comparesBodies?: boolean;
}

/** Sent once a second, and when the load was told to stop; then with `isLast`. */
export interface OpenLoopReport {
  /** Of the requests that ended since the last report. */
  readonly outcomes: Outcomes;
  readonly isLast: boolean;
}

const tickMs = 1;
/** Clients hang up within so much of their patience. */
const overdueMs = 20;
const reportMs = 1000;

process.on("disconnect", () => process.exit(0));

process.once("message", (order: OpenLoopOrder) => {
  const load = new OpenLoopLoad(order);
  process.on("message", (message) => {
    if (message === stopOrder) load.stop();
  });
});

class OpenLoopLoad {
  readonly #order: OpenLoopOrder;
  readonly #connections: OpenLoopConnections;
  readonly #timers: NodeJS.Timeout[] = [];
  #startMs = 0;
  #sent = 0;
  #ended = 0;
  #outcomes: Outcomes = {};
  #isStopped = false;

  constructor(order: OpenLoopOrder) {
    this.#order = order;
    this.#connections = new OpenLoopConnections(order, (outcome, ms) => {
      countOutcome(this.#outcomes, outcome, ms);
      this.#ended += 1;
      if (this.#isStopped) this.#endIfDone();
    });
    void this.#start();
  }

  stop(): void {
    this.#isStopped = true;
    this.#endIfDone();
  }

  async #start(): Promise<void> {
    await this.#connections.openAll(this.#order.connectionsAtStart ?? 0);
    this.#startMs = performance.now();
    this.#timers.push(
      setInterval(() => this.#tick(), tickMs),
      setInterval(() => this.#connections.endOverdue(), overdueMs),
      setInterval(() => this.#report(false), reportMs),
    );
  }

  #tick(): void {
    const { perSecond, requests } = this.#order;
    const due = ((performance.now() - this.#startMs) / 1000) * perSecond;
    for (; !this.#isStopped && this.#sent < due; this.#sent += 1) {
      const index = this.#sent % requests.length;
      const text = requestText(requests[index] as HttpRequest, this.#sent);
      this.#connections.send({ index, text, dueMs: this.#startMs + (this.#sent / perSecond) * 1000 });
    }
  }

  #endIfDone(): void {
    if (this.#ended < this.#sent) return;
    for (const timer of this.#timers) clearInterval(timer);
    this.#connections.close();
    this.#report(true);
  }

  #report(isLast: boolean): void {
    process.send?.({ outcomes: this.#outcomes, isLast } satisfies OpenLoopReport);
    this.#outcomes = {};
  }
}
