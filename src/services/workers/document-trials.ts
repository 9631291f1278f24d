/**
 * Has each new document tried by one worker before the others get it, and remembers those that ended the
 * worker: a document must never end more than the one that tries it (reliability C8).
 */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import { UpstreamError } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";
import type { PublishReport } from "../environments/snapshot-publisher.ts";
import { settlesWithin } from "../time-limit.ts";
import { TrialTurns } from "./trial-turns.ts";
import type { WorkerChannel } from "./worker-channel.ts";
import { endText, type WorkerEnd, WorkerGoneError } from "./worker-end.ts";

/** The first may be chance, or another document's doing; at the second the worker tried nothing else. */
const endsMax = 2;
/** A worker that answers, and has not compiled a document after so long, never will: 50 MiB take seconds. */
const trialMsMax = 120_000;
/** After a refusal an environment's next document is tried no sooner; doubles with each up to the longest. */
const pauseMsMin = 5000;
const pauseMsMax = 60_000;

/** Of one environment: the last document that ended a worker. */
interface Suspect {
  readonly digest: string;
  readonly ends: number;
  readonly refusals: number;
  /** Monotonic. */
  readonly pausedUntilMs: number;
}

/** Who serves a document now, and what it said of it. */
export interface TriedDocument {
  readonly worker: WorkerChannel;
  readonly report: PublishReport;
}

export interface DocumentTrialsOptions {
  /**
   * Chooses the worker that tries. `isSuspect`: the document ended one before.
   * @throws UpstreamError `no_worker`
   */
  readonly chooseWorker: (isSuspect: boolean) => Promise<WorkerChannel>;
  readonly clock: Clock;
}

/** Trials of different environments run beside each other, unless one is of a suspect. */
export class DocumentTrials {
  readonly #options: DocumentTrialsOptions;
  readonly #turns = new TrialTurns();
  /** By environment. */
  readonly #suspects = new Map<number, Suspect>();

  constructor(options: DocumentTrialsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when one worker serves the document.
   * @throws UpstreamError `document_fatal` where it ends workers, `document_invalid` where one refused it,
   *   `no_worker` where none could try it
   */
  async try(environment: number, document: SnapshotInput): Promise<TriedDocument> {
    const { digest } = document.packed;
    for (;;) {
      const suspect = this.#suspects.get(environment);
      if (suspect !== undefined) this.#refuseKnown(suspect, digest);
      const isSuspect = suspect?.digest === digest;
      const attempt = () => this.#attempt(environment, document, isSuspect);
      try {
        const tried = await (isSuspect ? this.#turns.alone(attempt) : this.#turns.beside(attempt));
        this.#suspects.delete(environment);
        return tried;
      } catch (error) {
        if (!(error instanceof WorkerGoneError)) throw error;
        this.#blame(environment, digest, error.end);
      }
    }
  }

  /** The environment is gone. */
  forget(environment: number): void {
    this.#suspects.delete(environment);
  }

  async #attempt(environment: number, document: SnapshotInput, isSuspect: boolean): Promise<TriedDocument> {
    const worker = await this.#options.chooseWorker(isSuspect);
    const trial = worker.try(environment, document);
    const settled = trial.catch(() => undefined);
    if (!(await settlesWithin(settled, trialMsMax, this.#options.clock))) {
      worker.kill(`it took more than ${trialMsMax / 1000} s for one document`);
    }
    return { worker, report: await trial };
  }

  #refuseKnown({ digest, ends, pausedUntilMs }: Suspect, candidate: string): void {
    if (digest === candidate && ends >= endsMax) {
      throw new UpstreamError(
        "document_fatal",
        `The environment document ended ${endsMax} worker processes, and is not tried again until it changes`,
      );
    }
    if (digest !== candidate && this.#options.clock.monotonicMs() < pausedUntilMs) {
      throw new UpstreamError(
        "document_fatal",
        "The environment document before this one ended worker processes; this one is tried after a pause",
      );
    }
  }

  /** @throws UpstreamError `document_fatal` where that was enough */
  #blame(environment: number, digest: string, end: WorkerEnd): void {
    const before = this.#suspects.get(environment);
    const ends = before?.digest === digest ? before.ends + 1 : 1;
    const refusals = (before?.refusals ?? 0) + (ends < endsMax ? 0 : 1);
    const pauseMs = ends < endsMax ? 0 : Math.min(pauseMsMin * 2 ** (refusals - 1), pauseMsMax);
    const pausedUntilMs = this.#options.clock.monotonicMs() + pauseMs;
    this.#suspects.set(environment, { digest, ends, refusals, pausedUntilMs });
    if (ends < endsMax) return;
    throw new UpstreamError(
      "document_fatal",
      `The worker processes that tried the environment document ended ${endText(end)}`,
    );
  }
}
