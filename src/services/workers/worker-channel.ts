/**
 * The control plane's line to one worker process: sends orders, and matches reports to them. It neither
 * starts nor replaces workers.
 */
import type { ChildProcess } from "node:child_process";
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import { UpstreamError } from "../../models/errors.ts";
import type { PublishReport } from "../environments/snapshot-publisher.ts";
import { ListenError } from "../listener/http-listener.ts";
import { documentOrders } from "./document-transfer.ts";
import type { WorkerOrder, WorkerReport } from "./worker-messages.ts";

/** The worker ended before it answered. */
export class WorkerGoneError extends Error {
  override readonly name = "WorkerGoneError";
}

export class WorkerChannel {
  /** Resolves when the process has ended, however it did. */
  readonly exited: Promise<void>;
  readonly #process: ChildProcess;
  readonly #listening = Promise.withResolvers<string>();
  /** By transfer: who waits for the document to be served. */
  readonly #transfers = new Map<number, PromiseWithResolvers<PublishReport>>();
  /** Who waits for a message to be on its way: of a process that ends, Node may never say. */
  readonly #sending = new Set<() => void>();
  /** By environment: the publish that the next one waits for, so that an older document is never last. */
  readonly #publishes = new Map<number, Promise<PublishReport>>();
  #lastTransfer = 0;
  /** NOTE: a process that has ended may still count as connected. */
  #isGone = false;

  /** @param process a worker that was started just now, with the serialization `advanced` */
  constructor(process: ChildProcess) {
    this.#process = process;
    process.on("message", (report: WorkerReport) => this.#receive(report));
    // A channel that breaks ends its process too; `exit` says so.
    process.on("error", () => undefined);
    this.exited = new Promise((resolve) => {
      process.once("exit", () => {
        this.#fail(new WorkerGoneError("the worker ended"));
        resolve();
      });
    });
    this.#listening.promise.catch(() => undefined);
  }

  /** Ends the process at once. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Resolves when the order is on its way, or the worker is gone; never rejects. */
  async send(order: WorkerOrder): Promise<void> {
    if (this.#isGone || !this.#process.connected) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sending.add(resolve);
    this.#process.send(order, () => resolve());
    await promise;
    this.#sending.delete(resolve);
  }

  /**
   * @returns where the worker listens
   * @throws ListenError where it cannot, WorkerGoneError where it ended
   */
  async listen(): Promise<string> {
    await this.send({ kind: "listen" });
    return await this.#listening.promise;
  }

  /**
   * Resolves when the worker serves the document.
   * @throws UpstreamError `document_invalid` where it refused it, WorkerGoneError where it ended
   */
  async publish(environment: number, document: SnapshotInput): Promise<PublishReport> {
    const previous = this.#publishes.get(environment);
    const publish = (previous ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#transfer(environment, document));
    this.#publishes.set(environment, publish);
    return await publish;
  }

  async #transfer(environment: number, document: SnapshotInput): Promise<PublishReport> {
    this.#lastTransfer += 1;
    const transfer = this.#lastTransfer;
    const served = Promise.withResolvers<PublishReport>();
    // It may be rejected while pieces are still being sent, before anyone waits for it.
    served.promise.catch(() => undefined);
    this.#transfers.set(transfer, served);
    // Each piece is waited for, so that no more than one lies in memory twice.
    for (const order of documentOrders(transfer, environment, document)) await this.send(order);
    if (this.#isGone || !this.#process.connected) served.reject(new WorkerGoneError("the worker ended"));
    return await served.promise.finally(() => this.#transfers.delete(transfer));
  }

  #receive(report: WorkerReport): void {
    if (report.kind === "listening") this.#listening.resolve(report.url);
    else if (report.kind === "cannot-listen") this.#listening.reject(new ListenError(report.message));
    else if (report.kind === "published") this.#transfers.get(report.transfer)?.resolve(report.report);
    else {
      const { code, message, transfer } = report;
      const error = code === null ? new Error(message) : new UpstreamError(code, message);
      this.#transfers.get(transfer)?.reject(error);
    }
  }

  #fail(error: Error): void {
    this.#isGone = true;
    this.#listening.reject(error);
    for (const { reject } of this.#transfers.values()) reject(error);
    for (const resolve of this.#sending) resolve();
  }
}
