/**
 * How many processes the proxy is: one that does everything, or a control plane and workers that serve. The
 * only file that knows `node:cluster`; it knows nothing of requests and of the upstream.
 */
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import type { SnapshotInput } from "./cache/environment-snapshot.ts";
import { startControlPlane } from "./control-plane.ts";
import { UpstreamError } from "./models/errors.ts";
import type { Settings } from "./models/settings.ts";
import { createServer } from "./server.ts";
import { systemClock } from "./services/clock.ts";
import type { RefreshStatus } from "./services/environments/refresh-status.ts";
import type { DataPlane } from "./services/environments/served-environments.ts";
import type { PublishReport } from "./services/environments/snapshot-publisher.ts";
import { collectSoon } from "./services/garbage-collection.ts";
import type { Logger } from "./services/service-logger.ts";
import { WorkerChannel, WorkerGoneError } from "./services/workers/worker-channel.ts";

/** A proxy that listens. Disposing it drains first: no request in flight is lost. */
export interface RunningProxy extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Rejects when the proxy cannot go on; else never settles. */
  readonly failed: Promise<never>;
  /** Makes a running drain end at once. */
  cutDrain(): void;
}

/** Workers that die more often than this within the window are not replaced any more (reliability 2.7). */
const deathsMax = 5;
const deathsWindowMs = 30_000;

/**
 * Listens, then begins to poll: requests are answered 503 until the first document is there.
 * @param version of this program, for the upstream's logs
 * @throws ListenError where the socket cannot be opened
 */
export async function startProxy(settings: Settings, logger: Logger, version: string): Promise<RunningProxy> {
  const { workers } = settings.server;
  await using stack = new AsyncDisposableStack();
  const data = workers === 1 ? createServer(settings, logger) : new Workers(settings, logger);
  const url = await data.listen();
  // Disposed of in reverse: requests in flight end first.
  stack.use(startControlPlane(settings, data.dataPlane, logger, version));
  stack.use(data);
  const { environments, upstream } = settings;
  logger.info({ url, workers, environments: environments.length, upstream: upstream.apiUrl }, "Listening");
  const owned = stack.move();
  return {
    url,
    failed: data instanceof Workers ? data.failed : new Promise(() => undefined),
    cutDrain: () => data.cutDrain(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The data plane as a set of worker processes. Each is told everything; one that dies is replaced. */
class Workers implements DataPlane, AsyncDisposable {
  readonly dataPlane: DataPlane = this;
  readonly #settings: Settings;
  readonly #logger: Logger;
  readonly #channels = new Set<WorkerChannel>();
  /** What a new worker is told: by environment, the document that is served and how refreshes go. */
  readonly #documents = new Map<number, SnapshotInput>();
  readonly #statuses = new Map<number, RefreshStatus>();
  readonly #failed = Promise.withResolvers<never>();
  #deathsMs: readonly number[] = [];
  #isEnding = false;

  constructor(settings: Settings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
    const file = `./worker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`;
    cluster.setupPrimary({
      exec: fileURLToPath(new URL(file, import.meta.url)),
      args: [],
      serialization: "advanced",
    });
    this.#failed.promise.catch(() => undefined);
  }

  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Starts all workers. */
  async listen(): Promise<string> {
    const starting = Array.from({ length: this.#settings.server.workers }, () => this.#startWorker());
    try {
      const [url = ""] = await Promise.all(starting);
      return url;
    } catch (error) {
      // Nobody was served yet: there is nothing to drain.
      this.#isEnding = true;
      for (const channel of this.#channels) channel.kill();
      await Promise.allSettled(starting);
      throw error;
    }
  }

  async publish(environment: number, document: SnapshotInput): Promise<PublishReport> {
    const told = new Set(this.#channels);
    const outcomes = await Promise.allSettled([...told].map((each) => each.publish(environment, document)));
    const errors = outcomes.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
    const refusal = errors.find((error) => !(error instanceof WorkerGoneError));
    if (refusal !== undefined) throw refusal;
    const report = outcomes.find((each) => each.status === "fulfilled")?.value;
    if (report === undefined) {
      throw new UpstreamError("document_invalid", "no worker process outlived the document");
    }
    this.#documents.set(environment, document);
    collectSoon(document.packed.body.byteLength);
    // Workers that came meanwhile were told of the document before.
    const untold = [...this.#channels].filter((channel) => !told.has(channel));
    await Promise.allSettled(untold.map((channel) => channel.publish(environment, document)));
    return report;
  }

  setRefreshStatus(environment: number, status: RefreshStatus): void {
    this.#statuses.set(environment, status);
    for (const channel of this.#channels) void channel.send({ kind: "status", environment, status });
  }

  cutDrain(): void {
    for (const channel of this.#channels) void channel.send({ kind: "cut-drain" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    const channels = [...this.#channels];
    for (const channel of channels) void channel.send({ kind: "drain" });
    await Promise.all(channels.map(({ exited }) => exited));
  }

  /** @returns where it listens, once it serves all that the others do */
  async #startWorker(): Promise<string> {
    const worker = cluster.fork();
    // It repeats what breaks its channel: unheard, that would end this process. `exit` tells of it too.
    worker.on("error", () => undefined);
    const channel = new WorkerChannel(worker.process);
    this.#channels.add(channel);
    void channel.exited.then(() => this.#replace(channel));
    void channel.send({ kind: "start", settings: this.#settings });
    for (const [environment, status] of this.#statuses) {
      void channel.send({ kind: "status", environment, status });
    }
    // All at once, so that what is published meanwhile comes after them.
    const documents = [...this.#documents];
    await Promise.all(documents.map(([environment, document]) => channel.publish(environment, document)));
    return await channel.listen();
  }

  async #replace(dead: WorkerChannel): Promise<void> {
    this.#channels.delete(dead);
    if (this.#isEnding) return;
    const nowMs = systemClock.monotonicMs();
    this.#deathsMs = [...this.#deathsMs, nowMs].filter((ms) => nowMs - ms < deathsWindowMs);
    if (this.#deathsMs.length > deathsMax) {
      this.#failed.reject(new Error(`more than ${deathsMax} workers died within ${deathsWindowMs / 1000} s`));
      return;
    }
    this.#logger.warn({ pid: dead.pid }, "A worker process ended; another takes its place");
    // One that ends while it starts is replaced in its turn.
    await this.#startWorker().catch(() => undefined);
  }
}
