/** How a worker process ended, and the errors of who waited in vain. They hold no text of a document. */

/** What is known of the end of a process. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why the control plane ended it, as a part of a sentence; null: it ended otherwise. */
  readonly killedFor: string | null;
  /** Whether a document was being tried on it, which may be why it ended. */
  readonly wasTrying: boolean;
}

/** What became of one worker, from its start on. */
export interface WorkerRun {
  readonly pid: number | undefined;
  readonly end: WorkerEnd;
  /** Why it could not serve; null: it did. */
  readonly fault: unknown;
}

/** The worker ended before it answered. It never leaves the control plane. */
export class WorkerGoneError extends Error {
  override readonly name = "WorkerGoneError";
  readonly end: WorkerEnd;

  constructor(end: WorkerEnd) {
    super(`the worker ended ${endText(end)}`);
    this.end = end;
  }
}

/** The environment was removed before its document was served. It never leaves the control plane. */
export class EnvironmentGoneError extends Error {
  override readonly name = "EnvironmentGoneError";

  constructor(environment: number) {
    super(`environment ${environment} was removed`);
  }
}

/** @returns such as `by SIGABRT`, to follow `ended` */
export function endText({ code, signal, killedFor }: WorkerEnd): string {
  if (killedFor !== null) return `as ${killedFor}`;
  return signal === null ? `with exit code ${code}` : `by ${signal}`;
}

/** @returns an error's message, to follow a colon */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
