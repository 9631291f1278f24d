/**
 * The data plane as a set of worker processes. Each is told everything; one that ends, hangs or cannot serve
 * is replaced. It does not know how a process is started.
 */
import type { ChildProcess } from "node:child_process";
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import { UpstreamError } from "../../models/errors.ts";
import type { CertificatePair, Settings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { NoticeTaker } from "../environments/data-plane-notice.ts";
import type { RefreshStatus } from "../environments/refresh-status.ts";
import type { DataPlane } from "../environments/served-environments.ts";
import type { PublishReport } from "../environments/snapshot-publisher.ts";
import { collectSoon } from "../garbage-collection.ts";
import { ListenError } from "../listener/http-listener.ts";
import type { Logger } from "../service-logger.ts";
import { settlesWithin } from "../time-limit.ts";
import { DocumentTrials } from "./document-trials.ts";
import { WorkerBriefing } from "./worker-briefing.ts";
import { WorkerChannel } from "./worker-channel.ts";
import { pauseBeforeStartMs, WorkerDeaths } from "./worker-deaths.ts";
import { drainWorkers } from "./worker-drain.ts";
import { endText, textOf, type WorkerRun } from "./worker-end.ts";
import { rollOut } from "./worker-rollout.ts";
import { endSilentWorkers } from "./worker-watch.ts";

/** How long a document waits for a worker that is being replaced, and for a sign of life of each. */
const strengthMsMax = 5000;
const strengthCheckMs = 50;
const answerMsMax = 1000;

export interface WorkerPoolOptions {
  readonly settings: Settings;
  /** Starts a worker's process, with the serialization `advanced`. */
  readonly fork: () => ChildProcess;
  readonly takeNotice: NoticeTaker;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Disposing of it drains all workers. */
export class WorkerPool implements DataPlane, AsyncDisposable {
  readonly #options: WorkerPoolOptions;
  readonly #trials: DocumentTrials;
  readonly #deaths: WorkerDeaths;
  readonly #channels = new Set<WorkerChannel>();
  /** Those that serve, the oldest first. */
  readonly #ready = new Set<WorkerChannel>();
  readonly #briefing: WorkerBriefing;
  readonly #listening = Promise.withResolvers<string>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #ending = new AbortController();
  readonly #rush = new AbortController();
  #places: readonly Promise<void>[] = [];
  #url: string | null = null;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#briefing = new WorkerBriefing(options.settings);
    const chooseWorker = (isSuspect: boolean) => this.#chooseWorker(isSuspect);
    this.#trials = new DocumentTrials({ chooseWorker, clock: options.clock });
    this.#deaths = new WorkerDeaths(options.clock);
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects when no worker can be kept: with ListenError where the address is lost. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Whether any worker accepts requests. */
  get isServing(): boolean {
    return this.#ready.size > 0;
  }

  /** Starts all workers. @returns where they listen; @throws ListenError where they cannot */
  async listen(): Promise<string> {
    const { clock, settings } = this.#options;
    this.#places = Array.from({ length: settings.server.workers }, () => this.#keepPlace());
    void endSilentWorkers(this.#channels, Promise.all(this.#places), clock);
    try {
      return await Promise.race([this.#listening.promise, this.failed]);
    } catch (error) {
      // Nobody was served yet: there is nothing to drain.
      for (const channel of this.#channels) channel.kill("the proxy cannot start");
      await Promise.all(this.#places);
      throw error;
    }
  }

  setEnvironmentsKnown(areKnown: boolean): void {
    this.#briefing.setEnvironmentsKnown(areKnown);
    for (const channel of this.#channels) void channel.send({ kind: "environments-known", areKnown });
  }

  setEnvironment(environment: number, keys: EnvironmentKeys): void {
    this.#briefing.setEnvironment(environment, keys);
    for (const channel of this.#channels) channel.setEnvironment(environment, keys);
  }

  removeEnvironment(environment: number): void {
    this.#briefing.removeEnvironment(environment);
    this.#trials.forget(environment);
    for (const channel of this.#channels) channel.removeEnvironment(environment);
  }

  async publish(environment: number, document: SnapshotInput): Promise<PublishReport> {
    const { worker, report } = await this.#trials.try(environment, document);
    this.#briefing.setDocument(environment, document);
    collectSoon(document.packed.body.byteLength);
    const others = [...this.#channels].filter((channel) => channel !== worker);
    await rollOut(others, environment, document, { clock: this.#options.clock, signal: this.#ending.signal });
    return report;
  }

  announce(environment: number, version: string): void {
    this.#briefing.setAnnounced(environment, version);
    for (const channel of this.#channels) channel.announce(environment, version);
  }

  setRefreshStatus(environment: number, status: RefreshStatus): void {
    this.#briefing.setRefreshStatus(environment, status);
    for (const channel of this.#channels) channel.setRefreshStatus(environment, status);
  }

  setDiscoveryStatus(status: RefreshStatus): void {
    this.#briefing.setDiscoveryStatus(status);
    for (const channel of this.#channels) void channel.send({ kind: "discovery-status", status });
  }

  /** Settings that change count from now on, in each worker and in those that come later. */
  reconfigure(settings: Settings): void {
    this.#briefing.setSettings(settings);
    for (const channel of this.#channels) void channel.send({ kind: "settings", settings });
  }

  /** Connections that are accepted from now on get this certificate. */
  renewCertificate(pair: CertificatePair): void {
    this.#briefing.setCertificate(pair);
    for (const channel of this.#channels) void channel.send({ kind: "certificate", pair });
  }

  /** Makes a running drain end at once. */
  cutDrain(): void {
    this.#rush.abort();
    for (const channel of this.#channels) void channel.send({ kind: "cut-drain" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { clock, logger, settings } = this.#options;
    this.#ending.abort();
    await drainWorkers({
      settings: settings.server,
      channels: this.#channels,
      ended: Promise.all(this.#places),
      rush: this.#rush.signal,
      clock,
      logger,
    });
  }

  /** Has one worker after the other in a place; never rejects. */
  async #keepPlace(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#ending;
    for (let failedStarts = 0; ; ) {
      const { pid, end, fault } = await this.#runWorker();
      if (signal.aborted) return;
      const final = this.#deaths.count(end, fault);
      const cannotBegin = fault instanceof ListenError && this.#url === null;
      if (final !== null || cannotBegin) {
        this.#ending.abort();
        this.#failed.reject(final ?? fault);
        return;
      }
      failedStarts = fault === null ? 0 : failedStarts + 1;
      const pauseMs = pauseBeforeStartMs(failedStarts);
      const what = end.killedFor === null ? "ended" : `was ended, as ${end.killedFor}`;
      logger.warn({ pid, end: endText(end), pauseMs }, `A worker process ${what}; another takes its place`);
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
      if (signal.aborted) return;
    }
  }

  /** Has a worker from its start to its end. */
  async #runWorker(): Promise<WorkerRun> {
    let channel: WorkerChannel;
    try {
      channel = new WorkerChannel(this.#options.fork(), this.#options.takeNotice);
    } catch (fault) {
      const killedFor = `it could not be started: ${textOf(fault)}`;
      return { pid: undefined, end: { code: null, signal: null, killedFor, wasTrying: false }, fault };
    }
    this.#channels.add(channel);
    const started = this.#start(channel).then(() => null);
    const fault = await started.catch((error: unknown) => error);
    if (fault !== null) channel.kill(`it cannot serve: ${textOf(fault)}`);
    const end = await channel.exited;
    this.#channels.delete(channel);
    this.#ready.delete(channel);
    return { pid: channel.pid, end, fault };
  }

  /** Resolves once the worker serves all that the others do. @throws where it cannot */
  async #start(channel: WorkerChannel): Promise<void> {
    await this.#briefing.give(channel);
    // Whom it is to share a port with is best asked when it is about to listen.
    await Promise.race([channel.pulse.answers(this.#options.clock.monotonicMs()), channel.exited]);
    const url = await channel.listen(this.#portToAsk());
    this.#url ??= url;
    if (url !== this.#url) throw new Error(`it listens on ${url} in place of ${this.#url}`);
    this.#ready.add(channel);
    if (this.#ready.size === this.#options.settings.server.workers) this.#listening.resolve(url);
  }

  /**
   * With port 0, workers share a socket by asking for port 0 alike, as long as one of them holds it. Once all
   * are gone, its number is asked for.
   */
  #portToAsk(): number {
    const { port } = this.#options.settings.server;
    const [peer] = this.#ready;
    if (peer !== undefined || port !== 0 || this.#url === null) return peer?.askedPort ?? port;
    return Number(new URL(this.#url).port);
  }

  /**
   * The youngest worker that answers, which has the fewest clients; it may end by what it tries. So the
   * others have to be there: always for a suspect, else as long as that is worth the wait.
   * @throws UpstreamError `no_worker`
   */
  async #chooseWorker(isSuspect: boolean): Promise<WorkerChannel> {
    const { clock, settings } = this.#options;
    const { signal } = this.#ending;
    const endMs = clock.monotonicMs() + strengthMsMax;
    const isWhole = () => this.#ready.size >= settings.server.workers;
    while (!isWhole() && !signal.aborted && clock.monotonicMs() < endMs) {
      await clock.sleep(strengthCheckMs, signal);
    }
    for (const channel of isWhole() || !isSuspect ? [...this.#ready].reverse() : []) {
      const answer = channel.pulse.answers(clock.monotonicMs());
      if (await settlesWithin(answer, answerMsMax, clock)) return channel;
    }
    throw new UpstreamError("no_worker", "No worker process could be given the environment document");
  }
}
