/**
 * The control plane's line to one worker process: sends orders, and matches reports to them. It neither
 * starts nor replaces workers.
 */
import type { ChildProcess } from "node:child_process";
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import { UpstreamError } from "../../models/errors.ts";
import type { NoticeTaker } from "../environments/data-plane-notice.ts";
import type { RefreshStatus } from "../environments/refresh-status.ts";
import type { PublishReport } from "../environments/snapshot-publisher.ts";
import { ListenError } from "../listener/http-listener.ts";
import { documentOrders } from "./document-transfer.ts";
import { EnvironmentGoneError, textOf, type WorkerEnd, WorkerGoneError } from "./worker-end.ts";
import type { WorkerOrder, WorkerReport } from "./worker-messages.ts";
import { WorkerPulse } from "./worker-pulse.ts";

/** What is still to be sent of one environment. */
interface Outbox {
  next: { document: SnapshotInput; readonly served: PromiseWithResolvers<PublishReport> } | null;
  status: RefreshStatus | null;
  isSending: boolean;
}

/** A document on its way, and who waits for it to be served. */
interface Transfer {
  readonly environment: number;
  readonly served: PromiseWithResolvers<PublishReport>;
}

/** From the start of one process to its end. */
export class WorkerChannel {
  /** Resolves when the process has ended, however it did, or could not be started. */
  readonly exited: Promise<WorkerEnd>;
  /** Resolves when all that it has ever said was taken. */
  readonly told: Promise<void>;
  readonly pulse = new WorkerPulse((sentMs) => void this.send({ kind: "ping", sentMs }));
  readonly #process: ChildProcess;
  readonly #takeNotice: NoticeTaker;
  readonly #listening = Promise.withResolvers<string>();
  /** What was sent and is not served yet. */
  readonly #transfers = new Map<number, Transfer>();
  /** Who waits for a message to be on its way: of a process that ends, Node may never say. */
  readonly #sending = new Set<() => void>();
  readonly #outboxes = new Map<number, Outbox>();
  #askedPort = 0;
  #lastTransfer = 0;
  #trials = 0;
  #killedFor: string | null = null;
  /** NOTE: a process that has ended may still count as connected. */
  #isGone = false;

  /**
   * @param process a worker that was started just now, with the serialization `advanced`
   * @param takeNotice takes what the worker has to tell
   */
  constructor(process: ChildProcess, takeNotice: NoticeTaker) {
    this.#process = process;
    this.#takeNotice = takeNotice;
    process.on("message", (report: WorkerReport) => this.#receive(report));
    // The end of a process may be known before the last of what it has said.
    this.told = new Promise((resolve) => process.once("disconnect", resolve));
    const { promise, resolve } = Promise.withResolvers<WorkerEnd>();
    this.exited = promise;
    const end = (code: number | null, signal: string | null, killedFor: string | null): void => {
      if (this.#isGone) return;
      const wasTrying = this.#trials > 0;
      const workerEnd: WorkerEnd = { code, signal, killedFor, wasTrying };
      this.#fail(new WorkerGoneError(workerEnd));
      resolve(workerEnd);
    };
    process.once("exit", (code, signal) => end(code, signal, this.#killedFor));
    process.on("error", ({ message }) => {
      // A channel that breaks ends its process, and `exit` says so; of one that never began nothing does.
      if (process.pid === undefined) end(null, null, `it could not be started: ${message}`);
    });
    this.#listening.promise.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The port that it was last told to listen on; 0 is any free one. */
  get askedPort(): number {
    return this.#askedPort;
  }

  /**
   * Ends the process at once.
   * @param reason what it did, as a part of a sentence; the first one counts
   */
  kill(reason: string): void {
    this.#killedFor ??= reason;
    this.#process.kill("SIGKILL");
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
   * @param port 0 is any free one
   * @returns where the worker listens
   * @throws ListenError where it cannot, WorkerGoneError where it ended
   */
  async listen(port: number): Promise<string> {
    this.#askedPort = port;
    await this.send({ kind: "listen", port });
    return await this.#listening.promise;
  }

  /**
   * Resolves when the worker serves the document, or a newer one that came before this one was sent.
   * @throws UpstreamError `document_invalid` where it refused it, WorkerGoneError where it ended,
   *   EnvironmentGoneError
   */
  publish(environment: number, document: SnapshotInput): Promise<PublishReport> {
    const sending = this.#put(environment, document);
    return sending?.served.promise ?? Promise.reject(new EnvironmentGoneError(environment));
  }

  /** As `publish`, of what another worker serves: one that cannot is ended, to be replaced. Never rejects. */
  async deliver(environment: number, document: SnapshotInput): Promise<void> {
    const sending = this.#put(environment, document);
    try {
      await sending?.served.promise;
    } catch (error) {
      if (error instanceof WorkerGoneError || error instanceof EnvironmentGoneError) return;
      // A newer one took its place on the way, and was refused: that is a question of who had it tried.
      if (sending?.document !== document) return await this.deliver(environment, document);
      this.kill(`it refused a document that another serves: ${textOf(error)}`);
    }
  }

  /** As `publish`; where the worker ends meanwhile, its end says that it was trying a document. */
  async try(environment: number, document: SnapshotInput): Promise<PublishReport> {
    this.#trials += 1;
    return await this.publish(environment, document).finally(() => {
      this.#trials -= 1;
    });
  }

  /** Documents of it may be published from now on. */
  setEnvironment(environment: number, keys: EnvironmentKeys): void {
    if (!this.#outboxes.has(environment)) {
      this.#outboxes.set(environment, { next: null, status: null, isSending: false });
    }
    void this.send({ kind: "environment", environment, keys });
  }

  /** See `DataPlane.announce`. A worker that does not serve the document yet passes it on once it does. */
  announce(environment: number, version: string): void {
    void this.send({ kind: "announce", environment, version });
  }

  /** Who waits for a document of it to be served is told that it is gone. */
  removeEnvironment(environment: number): void {
    void this.send({ kind: "remove-environment", environment });
    const waiting = this.#outboxes.get(environment)?.next?.served;
    this.#outboxes.delete(environment);
    const sent = [...this.#transfers.values()].filter((transfer) => transfer.environment === environment);
    for (const served of [...sent.map((each) => each.served), ...(waiting === undefined ? [] : [waiting])]) {
      served.reject(new EnvironmentGoneError(environment));
    }
  }

  /** The worker learns of it after the documents that came before it: it never calls an older one fresh. */
  setRefreshStatus(environment: number, status: RefreshStatus): void {
    const outbox = this.#outboxes.get(environment);
    if (outbox === undefined) return;
    outbox.status = status;
    void this.#empty(environment, outbox);
  }

  /** @returns what is sent next, with this document in place of another; null: the environment is gone */
  #put(environment: number, document: SnapshotInput): Outbox["next"] {
    const outbox = this.#outboxes.get(environment);
    if (outbox === undefined) return null;
    outbox.next ??= { document, served: Promise.withResolvers() };
    outbox.next.document = document;
    const { next } = outbox;
    void this.#empty(environment, outbox);
    return next;
  }

  /** One after the other, so that an older document is never last. It never rejects. */
  async #empty(environment: number, outbox: Outbox): Promise<void> {
    if (outbox.isSending) return;
    outbox.isSending = true;
    // One that was removed meanwhile has no outbox any more.
    while (this.#outboxes.get(environment) === outbox && (outbox.next !== null || outbox.status !== null)) {
      const { next, status } = outbox;
      if (next !== null) {
        outbox.next = null;
        await this.#transfer(environment, next.document).then(next.served.resolve, next.served.reject);
      } else if (status !== null) {
        outbox.status = null;
        await this.send({ kind: "status", environment, status });
      }
    }
    outbox.isSending = false;
  }

  async #transfer(environment: number, document: SnapshotInput): Promise<PublishReport> {
    this.#lastTransfer += 1;
    const transfer = this.#lastTransfer;
    const served = Promise.withResolvers<PublishReport>();
    // It may be rejected while pieces are still being sent, before anyone waits for it.
    served.promise.catch(() => undefined);
    this.#transfers.set(transfer, { environment, served });
    // Each piece is waited for, so that no more than one lies in memory twice.
    for (const order of documentOrders(transfer, environment, document)) await this.send(order);
    if (this.#isGone || !this.#process.connected) served.reject(new WorkerGoneError(await this.exited));
    return await served.promise.finally(() => this.#transfers.delete(transfer));
  }

  #receive(report: WorkerReport): void {
    if (report.kind === "pong") this.pulse.heard();
    else if (report.kind === "notice") this.#takeNotice(report.notice);
    else if (report.kind === "listening") this.#listening.resolve(report.url);
    else if (report.kind === "cannot-listen") this.#listening.reject(new ListenError(report.message));
    else if (report.kind === "published") this.#transfers.get(report.transfer)?.served.resolve(report.report);
    else if (report.kind === "failed") this.kill(`it failed: ${report.message}`);
    else {
      const { code, message, transfer } = report;
      const error = code === null ? new Error(message) : new UpstreamError(code, message);
      this.#transfers.get(transfer)?.served.reject(error);
    }
  }

  #fail(error: WorkerGoneError): void {
    this.#isGone = true;
    this.#listening.reject(error);
    for (const { served } of this.#transfers.values()) served.reject(error);
    for (const resolve of this.#sending) resolve();
  }
}
