/** Why a store does not do what is asked of it. None is fatal: what is served is in memory. */
import type { StoreName } from "./document-store.ts";

/** There is no store; the message says what to do. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
  /** Of the system, or of LevelDB; `silent` where the disk does not answer, `closed` where we end. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }

  /** Whether another process owns it. */
  get isAnothers(): boolean {
    return this.code === "LEVEL_LOCKED";
  }

  /** Whether what is there may be read from a copy: it cannot be written, or another process does. */
  get mayBeCopied(): boolean {
    return !["closed", "silent", "ELOOP", "ENOTDIR", "EEXIST"].includes(this.code);
  }
}

/** Files of one store are not as LevelDB has left them: it is to be set aside. */
export class StoreDamagedError extends Error {
  override readonly name = "StoreDamagedError";
  readonly store: StoreName;

  constructor(message: string, store: StoreName) {
    super(message);
    this.store = store;
  }
}

/**
 * How a process ended. `crashed`: by itself; `killed`: by somebody else, such as the system where memory runs
 * out; `given-up`: by us, as the disk did not answer or the proxy ends.
 */
export type StoreEnd = "crashed" | "killed" | "given-up";

/** The process that keeps the stores ended before it had answered. */
export class StoreEndedError extends Error {
  override readonly name = "StoreEndedError";
  readonly end: StoreEnd;
  /** The store that it was working on; null: none, or the order was not sent any more. */
  readonly store: StoreName | null;

  constructor(message: string, end: StoreEnd, store: StoreName | null = null) {
    super(message);
    this.end = end;
    this.store = store;
  }
}

/** @returns whether the same may go well in stores that are opened anew: what is damaged is set aside */
export function mayGoWellAnew(error: unknown): boolean {
  if (error instanceof StoreEndedError) return error.end !== "given-up";
  return error instanceof StoreDamagedError;
}
