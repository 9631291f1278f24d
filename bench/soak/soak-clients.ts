/**
 * The clients of a soak, in two processes: a closed loop that keeps the proxy busy with all kinds of
 * requests, and an open loop at a modest rate that tells how long an answer takes.
 */
import { Child } from "../child-process.ts";
import { httpCase } from "../http-cases.ts";
import { stopOrder } from "../load-orders.ts";
import { countsOf, mergeOutcomes, type Outcomes } from "../load-outcomes.ts";
import { OpenLoop } from "../open-loop.ts";
import type { ClosedLoopOrder, ClosedLoopReport } from "./closed-loop-load.ts";
import type { LossAccount } from "./loss-account.ts";

const busyConnections = 16;
const timedConnections = 16;
/** Of both loads; aborted ones come and go. */
export const connectionsMax = busyConnections + timedConnections;
const timedPerSecond = 200;
/** Ten minutes bring a hundred thousand (E47). */
const abortsPerSecond = 170;
/** Longer than a worker that hangs is waited for. */
const patienceMs = 20_000;
const takeMs = 500;

const timedRequests = ["GET flags", "POST identities, another body each time"].map(
  (name) => httpCase(name).request,
);

export class SoakClients implements AsyncDisposable {
  readonly #closedLoop = new Child({
    program: [new URL("./closed-loop-load.ts", import.meta.url)],
    core: 1,
  });
  readonly #ended = Promise.withResolvers<void>();
  readonly #openLoop: OpenLoop;
  readonly #account: LossAccount;
  readonly #takes = setInterval(() => this.#take(this.#openLoop.take()), takeMs);
  #latencies: Outcomes = {};
  #requests = 0;
  #aborted = 0;

  constructor(port: number, account: LossAccount) {
    this.#account = account;
    this.#closedLoop.onMessage((message) => this.#read(message as ClosedLoopReport));
    const order: ClosedLoopOrder = { port, connections: busyConnections, patienceMs, abortsPerSecond };
    this.#closedLoop.tell(order);
    this.#openLoop = new OpenLoop(
      {
        port,
        requests: timedRequests,
        perSecond: timedPerSecond,
        connections: timedConnections,
        patienceMs,
      },
      1,
    );
  }

  /** Answered as planned so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Clients that went away amid their requests so far. */
  get aborted(): number {
    return this.#aborted;
  }

  /** @returns how long answers took since the last call */
  takeLatencies(): Outcomes {
    const latencies = this.#latencies;
    this.#latencies = {};
    return latencies;
  }

  /** Sends no more, and waits for what is in flight. */
  async stop(): Promise<void> {
    clearInterval(this.#takes);
    this.#closedLoop.tell(stopOrder);
    this.#take(await this.#openLoop.stop());
    await this.#ended.promise;
    await this.#closedLoop[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#takes);
    await this.#openLoop[Symbol.asyncDispose]();
    await this.#closedLoop[Symbol.asyncDispose]();
  }

  #read({ planned, unplanned, aborted, isLast }: ClosedLoopReport): void {
    this.#requests += planned;
    this.#aborted += aborted;
    this.#account.add(unplanned);
    if (isLast) this.#ended.resolve();
  }

  #take(outcomes: Outcomes): void {
    this.#latencies = mergeOutcomes([this.#latencies, outcomes]);
    const { "200": answered = 0, ...others } = countsOf(outcomes);
    this.#requests += answered;
    this.#account.add(
      Object.fromEntries(Object.entries(others).map(([outcome, count]) => [`timed: ${outcome}`, count])),
    );
  }
}
