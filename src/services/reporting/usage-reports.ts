/**
 * Reports usage to the upstream (contract B 4.4): adds up what the data plane tells, and sends it in batches.
 * A batch is sent until the upstream has answered for it, always under the same key; no further batch is made
 * meanwhile. It must never run two flushes at once.
 */
import { UpstreamError } from "../../models/errors.ts";
import type { PollSettings } from "../../models/settings.ts";
import type { UsageRow } from "../../models/usage.ts";
import type { Clock } from "../clock.ts";
import { reminderIntervalMs } from "../failure-spell.ts";
import type { UsageArchive } from "../persistence/usage-archive.ts";
import type { Logger } from "../service-logger.ts";
import { settlesWithin } from "../time-limit.ts";
import type { UpstreamClient } from "../upstream/upstream-client.ts";
import type { UsageBatch } from "../upstream/usage-request.ts";
import { UsageLog } from "./usage-log.ts";
import { answersOf } from "./usage-rows.ts";
import { UsageTotals } from "./usage-totals.ts";

/** So long, in milliseconds, an end waits for the upstream, and a report for the disk. */
const lastFlushMsMax = 3000;
const keepMsMax = 2000;

export interface UsageReportsOptions {
  readonly upstream: Pick<UpstreamClient, "sendUsage">;
  /** Null: nothing outlives the process. */
  readonly archive: Pick<UsageArchive, "find" | "keep" | "isRead"> | null;
  readonly flushIntervalMs: number;
  readonly poll: Pick<PollSettings, "jitterRatio">;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** Makes a UUID. */
  readonly createId: () => string;
  readonly logger: Logger;
}

export class UsageReports implements AsyncDisposable {
  readonly #options: UsageReportsOptions;
  readonly #log: UsageLog;
  readonly #totals = new UsageTotals();
  /** Ends the wait between two flushes. */
  readonly #stop = new AbortController();
  /** Ends the request that runs. */
  readonly #cut = new AbortController();
  /** What the upstream has not answered for; the first is sent next. */
  #pending: UsageBatch[] = [];
  /** Of the batch that was sent next when it came onto the disk, or could not; null: of none yet. */
  #keptId: string | null = null;
  #loop: Promise<void> | null = null;
  /** When it was last said that usage is lost. */
  #toldLostMs = Number.NEGATIVE_INFINITY;

  constructor(options: UsageReportsOptions) {
    this.#options = options;
    this.#log = new UsageLog(options.logger, options.clock);
  }

  /** Adds what the data plane tells. */
  add(rows: readonly UsageRow[]): void {
    this.#totals.add(rows);
  }

  /** Sends what the last process has left, then what comes; a second call does nothing. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** An end that waits for the upstream waits no longer. */
  cut(): void {
    this.#cut.abort();
  }

  /** Sends what is left, for a while; what the upstream has not taken then is on disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { archive, clock } = this.#options;
    const ended = new AbortController();
    void clock.sleep(lastFlushMsMax, ended.signal).then(() => this.#cut.abort());
    this.#stop.abort();
    await this.#loop;
    await this.#restore();
    await this.#flush(true);
    // What was pending stood in the way of what came since.
    if (this.#pending.length === 0) await this.#flush(true);
    ended.abort();
    this.#tellLost();
    const left = { batches: this.#pending, rows: this.#totals.rows };
    const answers = answersOf([...left.rows, ...left.batches.flatMap(({ rows }) => rows)]);
    if (answers === 0) return;
    const kept = archive?.keep(left) ?? Promise.resolve(false);
    this.#log.left(answers, (await settlesWithin(kept, keepMsMax, clock)) && (await kept));
  }

  /** One flush after the other; the first comes an interval after the start. */
  async #run(): Promise<void> {
    const { clock, flushIntervalMs, poll, random } = this.#options;
    const { signal } = this.#stop;
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const isRestored = await this.#restore();
      const askedMs = isFirst && !isRestored ? 0 : await this.#flush();
      if (this.#mayTellLost()) this.#tellLost();
      const waitMs = Math.max(flushIntervalMs, askedMs) * (1 + random() * poll.jitterRatio);
      await clock.sleep(waitMs, signal);
    }
  }

  /** Takes what the last process has left, once it can be read. @returns whether there was anything */
  async #restore(): Promise<boolean> {
    const { archive } = this.#options;
    if (archive === null || archive.isRead) return false;
    const kept = await archive.find(this.#cut.signal);
    if (kept === null) return false;
    this.#pending = [...kept.batches, ...this.#pending];
    this.#totals.add(kept.rows);
    this.#log.restored(answersOf([...kept.rows, ...kept.batches.flatMap(({ rows }) => rows)]));
    return true;
  }

  /**
   * Never throws.
   * @param isLast whether there is no time to wait for a slow disk
   * @returns how long the upstream asked to be left alone, in milliseconds
   */
  async #flush(isLast = false): Promise<number> {
    if (this.#pending.length === 0) this.#pending = this.#totals.takeBatches(this.#options.createId);
    const [next] = this.#pending;
    if (next === undefined) return 0;
    // Before it is sent: a process that is killed meanwhile must send it again under the same key.
    await this.#keep();
    if (this.#keptId !== next.id && !isLast) return 0;
    const askedMs = await this.#sendPending();
    await this.#keep();
    return askedMs;
  }

  /** An outage of days loses some every second. */
  #mayTellLost(): boolean {
    return this.#options.clock.monotonicMs() - this.#toldLostMs >= reminderIntervalMs;
  }

  #tellLost(): void {
    const answers = this.#totals.takeLost();
    if (answers === 0) return;
    this.#toldLostMs = this.#options.clock.monotonicMs();
    this.#log.lost(answers);
  }

  /** Resolves once all is on disk, or cannot be, or that takes too long. */
  async #keep(): Promise<void> {
    const { archive, clock } = this.#options;
    const next = this.#pending[0]?.id ?? null;
    const keeping = archive?.keep({ batches: this.#pending, rows: this.#totals.rows }) ?? Promise.resolve();
    const kept = keeping.then(() => {
      this.#keptId = next;
    });
    await settlesWithin(kept, keepMsMax, clock);
  }

  /** Sends one batch after the other until one is not answered for. @returns as `#flush` */
  async #sendPending(): Promise<number> {
    const { upstream } = this.#options;
    const { signal } = this.#cut;
    for (let batch = this.#pending[0]; batch !== undefined; batch = this.#pending[0]) {
      try {
        const verdict = await upstream.sendUsage(batch, signal);
        if (verdict.isTaken) this.#log.taken();
        else this.#log.refused(verdict.status, answersOf(batch.rows));
        this.#pending.shift();
      } catch (error) {
        if (!signal.aborted) this.#log.failed(error);
        return error instanceof UpstreamError ? (error.retryAfterMs ?? 0) : 0;
      }
    }
    return 0;
  }
}
