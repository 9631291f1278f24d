/**
 * Keeps one environment fresh: fetch, publish, wait, again, for as long as it lives. It must never run two
 * refreshes at once, never end because one failed, and never touch what is served: `publish` does.
 */
import { UpstreamError } from "../../models/errors.ts";
import type { PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import type { DocumentSource } from "../upstream/document-source.ts";
import type { FetchedDocument } from "../upstream/upstream-client.ts";
import { PollPace } from "./poll-pace.ts";
import { type RefreshLimiter, runInPlace } from "./refresh-limiter.ts";
import { RefreshLog } from "./refresh-log.ts";
import { failedStatus, freshStatus, neverRefreshed, type RefreshStatus } from "./refresh-status.ts";
import { RefreshValidator } from "./refresh-validator.ts";

/**
 * What became of a document: it is being served, and says when it was updated (null where it has no date
 * that can be read), or it was refused, and would be again.
 */
export type PublishOutcome = { readonly updatedAt: Date | null } | { readonly refusal: UpstreamError };

export interface EnvironmentPollerOptions {
  /** The environment as logs name it now; holds no whole key. */
  readonly label: () => string;
  /** Asked before each refresh, as keys rotate and expire. */
  readonly serverKey: () => string;
  readonly upstream: DocumentSource;
  /**
   * Reads the document and resolves when it is being served, or to why it was refused. Throws whatever else
   * fails: the same document is then tried again. In both cases what was served still is.
   */
  readonly publish: (document: FetchedDocument, signal: AbortSignal) => Promise<PublishOutcome>;
  /** Told after each refresh, and where what is to follow has changed. */
  readonly onStatus?: (status: RefreshStatus) => void;
  /** Told after each refresh that went well: what is served is the upstream's. */
  readonly onConfirmed?: () => void;
  readonly limiter: RefreshLimiter;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly logger: Logger;
  /** Asked before each refresh and each wait. */
  readonly settings: () => PollSettings;
}

export class EnvironmentPoller implements AsyncDisposable {
  readonly #options: EnvironmentPollerOptions;
  readonly #log: RefreshLog;
  readonly #validator: RefreshValidator;
  readonly #stop = new AbortController();
  readonly #pace: PollPace;
  /** The refresh that callers wait for and that has not begun; null: nobody waits. */
  #requested: PromiseWithResolvers<void> | null = null;
  #loop: Promise<void> | null = null;
  #status = neverRefreshed;
  /** The server key that was sent last. */
  #sentKey: string | null = null;

  constructor(options: EnvironmentPollerOptions) {
    this.#options = options;
    this.#log = new RefreshLog(options.label, options.logger, options.clock, options.upstream.nextAction);
    this.#validator = new RefreshValidator(() => options.settings().unconditionalEveryPolls);
    this.#pace = new PollPace({ ...options, stop: this.#stop.signal });
  }

  /** How its refreshes go: after the last one that ended, or as `beginWith` has it. */
  get status(): RefreshStatus {
    return this.#status;
  }

  /** @param status what is known before the first refresh; to be called before `start` */
  beginWith(status: RefreshStatus): void {
    this.#setStatus(status);
  }

  /** Whether it polls. */
  get isStarted(): boolean {
    return this.#loop !== null;
  }

  /** Begins with a refresh at once; a second call does nothing. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /**
   * Asks for a refresh now; it runs on the poller's own loop, so never beside another. While one runs, all
   * who ask share the one after it: the running one may have read the document before the change they know
   * of.
   * @returns resolves when that refresh ended, well or not (see `status`), or when the poller is disposed of;
   *   before `start` it waits for the first one. It never rejects.
   */
  refresh(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    this.#requested ??= Promise.withResolvers();
    this.#pace.wake();
    return this.#requested.promise;
  }

  /**
   * The settings have changed: a wait that has begun is as long as they say.
   * @param formerMs the interval before: what was not late by that one is not late by a shorter one at once
   */
  retime(formerMs: number): void {
    this.#pace.retime();
    const { lastSuccessMonotonicMs, pollIntervalMs } = this.#status;
    if (lastSuccessMonotonicMs === null || pollIntervalMs !== null) return;
    const { clock, settings } = this.#options;
    const elapsedMs = clock.monotonicMs() - lastSuccessMonotonicMs;
    const { intervalMs } = settings();
    if (elapsedMs > intervalMs && elapsedMs <= formerMs) this.#promise(intervalMs);
  }

  /** @param intervalMs the wait after a success from now on; null, or a shorter one: that of the settings */
  setPace(intervalMs: number | null): void {
    this.#pace.set(intervalMs);
    if (this.#pace.slowMs === null && this.#status.pollIntervalMs !== null)
      this.#promise(this.#options.settings().intervalMs);
  }

  /** Ends the sleep, the running fetch and the reading at once; a swap that runs is waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#pace.wake();
    await this.#loop;
    this.#requested?.resolve();
  }

  /**
   * One refresh after the other; the wait begins when the refresh ended. The pause of a turn is renewed
   * before its refresh, so that who asks for another one meanwhile has ended it already.
   */
  async #run(): Promise<void> {
    for (let intervals = 1; !this.#stop.signal.aborted; ) {
      const requested = this.#requested;
      this.#requested = null;
      this.#pace.begin();
      const error = await this.#refreshOnce(intervals);
      requested?.resolve();
      intervals = await this.#wait(error);
    }
  }

  /** @returns how many usual intervals have passed; see `PollPace.wait` */
  #wait(error: unknown): Promise<number> {
    const outcome = {
      error: error instanceof UpstreamError ? error : null,
      consecutiveFailures: this.#status.consecutiveFailures,
      holdsDocument: this.#validator.holdsDocument || this.#status.state === "archived",
      isRefusal: error !== null && error === this.#validator.refusal,
    };
    return this.#pace.wait(outcome, this.#status.pollIntervalMs);
  }

  /**
   * Never rejects, whatever happens: the loop is all that keeps the environment fresh.
   * @param intervals how many usual intervals have passed since the last refresh
   * @returns what failed; null after a success
   */
  async #refreshOnce(intervals: number): Promise<unknown> {
    const { clock, settings } = this.#options;
    const startTime = clock.wallTime();
    const startMs = clock.monotonicMs();
    try {
      const run = () => this.#fetchAndPublish(intervals);
      const isFailing = this.#status.consecutiveFailures > 0;
      await runInPlace(run, this.#options.limiter, this.#stop.signal, isFailing);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#recordFailure(error, startTime);
      return error;
    }
    this.#recordSuccess(startTime);
    const durationMs = clock.monotonicMs() - startMs;
    const { intervalMs } = settings();
    if (durationMs > intervalMs) this.#log.slow(durationMs, intervalMs);
    return null;
  }

  async #fetchAndPublish(intervals: number): Promise<void> {
    const { clock, publish, upstream } = this.#options;
    const serverKey = this.#nextServerKey();
    const ifModifiedSince = this.#validator.nextIfModifiedSince(intervals);
    const signal = this.#stop.signal;
    const answer = await upstream.fetchDocument({ serverKey, ifModifiedSince, signal });
    if (answer.kind === "not-modified") {
      this.#takeNotModified(ifModifiedSince !== null);
      return;
    }
    signal.throwIfAborted();
    if (this.#validator.isPublished(answer)) {
      this.#validator.confirmed(answer, clock.wallTime());
      return;
    }
    const refusal = this.#validator.refusalOf(answer);
    const outcome = refusal === null ? await publish(answer, signal) : { refusal };
    if ("updatedAt" in outcome) {
      this.#validator.published(answer, outcome.updatedAt, clock.wallTime());
      return;
    }
    this.#validator.refused(answer, outcome.refusal);
    throw outcome.refusal;
  }

  /** Another key may open another document: the date of the one before says nothing of it. */
  #nextServerKey(): string {
    const serverKey = this.#options.serverKey();
    if (this.#sentKey !== null && serverKey !== this.#sentKey) this.#validator.askInFull();
    this.#sentKey = serverKey;
    return serverKey;
  }

  /** The upstream still has the document that was asked about: the published one, or a refused one. */
  #takeNotModified(wasAsked: boolean): void {
    if (!wasAsked) {
      throw new UpstreamError(
        "unexpected_not_modified",
        "The upstream answered 304 to a request without a date",
      );
    }
    const { refusal } = this.#validator;
    if (refusal !== null) throw refusal;
  }

  #recordSuccess(startTime: Date): void {
    this.#log.succeeded(this.#status.consecutiveFailures);
    this.#setStatus(freshStatus(startTime, this.#options.clock, this.#pace.slowMs));
    this.#options.onConfirmed?.();
  }

  /** A wait that was promised is another now: the next poll is due an interval from now (contract A7). */
  #promise(intervalMs: number): void {
    const { lastSuccessMonotonicMs, pollIntervalMs } = this.#status;
    if (lastSuccessMonotonicMs === null) return;
    const dueMs = this.#options.clock.monotonicMs() - lastSuccessMonotonicMs + intervalMs;
    if (pollIntervalMs !== null && dueMs >= pollIntervalMs) return;
    this.#setStatus({ ...this.#status, pollIntervalMs: dueMs });
  }

  #recordFailure(error: unknown, startTime: Date): void {
    if (error !== this.#validator.refusal) this.#validator.askInFull();
    this.#setStatus(failedStatus(this.#status, error, startTime));
    this.#log.failed(error, this.#status.consecutiveFailures);
  }

  #setStatus(status: RefreshStatus): void {
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}
