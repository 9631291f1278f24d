/**
 * The admin listener, seen from the process that polls: it is a thread with a port of its own, so that it
 * answers however busy the data plane is. It is told all that health speaks of, and asks nothing.
 */
import type { Worker } from "node:worker_threads";
import type { Settings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { DataPlane } from "../environments/served-environments.ts";
import { watchedDataPlane } from "../environments/watched-data-plane.ts";
import { ListenError } from "../listener/http-listener.ts";
import type { Logger } from "../service-logger.ts";
import type { AdminOrder, AdminReport } from "./admin-messages.ts";

/** The thread is told this often that its process is alive. */
const beatMs = 1000;

export interface AdminListenerOptions {
  /** Has been started with `AdminThreadData`. */
  readonly thread: Worker;
  /** Whether any process of the data plane answers requests. */
  readonly isServing: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Disposing of it ends the thread at once. */
export class AdminListener implements AsyncDisposable {
  readonly #options: AdminListenerOptions;
  readonly #ending = new AbortController();
  readonly #listening = Promise.withResolvers<Exclude<AdminReport, { kind: "line" }>>();

  constructor(options: AdminListenerOptions) {
    this.#options = options;
    options.thread.on("message", (report: AdminReport) => {
      if (report.kind === "line") options.logger[report.level](report.fields, report.message);
      else this.#listening.resolve(report);
    });
  }

  /**
   * Resolves when it listens, with its URL. A later end of the thread is an error that nobody caught.
   * @throws ListenError where it cannot
   */
  async listen(): Promise<string> {
    const report = await this.#listening.promise;
    if (report.kind === "cannot-listen") throw new ListenError(report.message);
    void this.#beat();
    return report.url;
  }

  /** @returns the data plane, beside which this listener's thread is told what health speaks of */
  watch(dataPlane: DataPlane): DataPlane {
    return watchedDataPlane(dataPlane, {
      environmentSet: (environment) => this.#tell({ kind: "environment", environment }),
      environmentRemoved: (environment) => this.#tell({ kind: "remove-environment", environment }),
      published: (environment, _document, { environmentId }) =>
        this.#tell({ kind: "served", environment, environmentId }),
      refreshStatusSet: (environment, status) => this.#tell({ kind: "status", environment, status }),
      discoveryStatusSet: (status) => this.#tell({ kind: "discovery-status", status }),
    });
  }

  /** From now on these settings count, where they may change. */
  reconfigure(settings: Settings): void {
    this.#tell({ kind: "settings", settings });
  }

  /** From now on readiness answers 503. */
  beginDrain(): void {
    this.#tell({ kind: "draining" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#options.thread.terminate();
  }

  async #beat(): Promise<void> {
    const { clock, isServing } = this.#options;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      this.#tell({ kind: "alive", atMs: clock.monotonicMs(), isServing: isServing() });
      await clock.sleep(beatMs, signal);
    }
  }

  #tell(order: AdminOrder): void {
    this.#options.thread.postMessage(order);
  }
}
