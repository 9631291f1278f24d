/**
 * Cuts clients that take nothing of an answer for too long: they hold a connection, and would hold up a drain
 * (reliability A9). It looks at all connections now and then, so that no request pays for it, and never cuts
 * one on which nothing waits to be sent: an idle one, a stream between two comments, an answer in the making.
 */
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { readSendQueues } from "./send-queues.ts";

/** So many looks in the time that a client has; each costs 0.2 ms with 4,000 connections. */
const looksPerTimeout = 10;
const lookMsMin = 50;

interface TcpHandle {
  readonly fd: number;
  /** Both of what was written, and of what the kernel has not taken yet. */
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/**
 * A socket with the handle that it writes to, of TLS with the one below it. The names are Node's own and
 * undocumented; without them nobody is cut.
 */
type Connection = Socket & { readonly _handle?: Handle | null };
type Handle = Partial<TcpHandle> & { readonly _parent?: TcpHandle };

/** How much of what was written had gone where when a client was last seen to take something. */
interface Progress {
  /** The kernel has taken so much. */
  readonly handedOver: number;
  /** The client has; null: nobody has asked yet. */
  readonly taken: number | null;
  /** Monotonic. */
  readonly sinceMs: number;
}

interface Suspect {
  readonly connection: Connection;
  readonly descriptor: number;
  readonly progress: Progress;
}

export interface UnreadAnswersOptions {
  readonly connections: Iterable<Socket>;
  /** So long a client may take nothing, in milliseconds; it is cut within a fifth more. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, "monotonicMs" | "sleep">;
}

/** Of one server. */
export class UnreadAnswers {
  readonly #options: UnreadAnswersOptions;
  readonly #progress = new WeakMap<Socket, Progress>();

  constructor(options: UnreadAnswersOptions) {
    this.#options = options;
  }

  /** Resolves once the signal aborts. */
  async cutUntil(signal: AbortSignal): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(Math.max(lookMsMin, timeoutMs / looksPerTimeout), signal);
      const suspects = this.#suspects();
      if (suspects.length > 0) await this.#judge(suspects);
    }
  }

  /** Those on which something waits, of which the kernel has taken nothing since the last look. */
  #suspects(): Suspect[] {
    const { clock, connections } = this.#options;
    const suspects: Suspect[] = [];
    for (const connection of connections as Iterable<Connection>) {
      if (connection.writableLength === 0) continue;
      const { fd, bytesWritten, writeQueueSize } = connection._handle?._parent ?? connection._handle ?? {};
      if (fd === undefined || bytesWritten === undefined || writeQueueSize === undefined) continue;
      const handedOver = bytesWritten - writeQueueSize;
      const progress = this.#progress.get(connection);
      if (progress?.handedOver === handedOver) suspects.push({ connection, descriptor: fd, progress });
      else this.#progress.set(connection, { handedOver, taken: null, sinceMs: clock.monotonicMs() });
    }
    return suspects;
  }

  /** Of a full buffer the kernel takes more only when a third of it is free: slow readers are told so. */
  async #judge(suspects: readonly Suspect[]): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    const queues = await readSendQueues(suspects.map(({ descriptor }) => descriptor));
    const nowMs = clock.monotonicMs();
    for (const { connection, descriptor, progress } of suspects) {
      const queue = queues === null ? 0 : queues.get(descriptor);
      if (queue === undefined || connection.writableLength === 0) continue;
      const taken = progress.handedOver - queue;
      if (taken !== progress.taken) this.#progress.set(connection, { ...progress, taken, sinceMs: nowMs });
      else if (nowMs - progress.sinceMs >= timeoutMs) cut(connection);
    }
  }
}

/** What lies in the kernel goes with it. */
function cut(connection: Connection): void {
  // Of TLS Node can not.
  if (connection._handle?._parent === undefined) connection.resetAndDestroy();
  else connection.destroy();
}
