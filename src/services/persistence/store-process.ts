/**
 * The process that keeps the stores of an archive, seen from the proxy: gives it one order after the other,
 * and gives it up where it does not answer. Whatever the disk does, the proxy waits for nothing but promises.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { DocumentStore, StoreName } from "./document-store.ts";
import { StoreDamagedError, type StoreEnd, StoreEndedError, StoreUnavailableError } from "./store-errors.ts";
import type { StoreFailure, StoreOrder, StoreReply } from "./store-orders.ts";

/** To flush a MiB takes a slow disk a second or two; one that takes longer is taken to hang. */
const orderMsMax = 30_000;
/** Values are pieces: it needs little memory. */
const memoryOptions = ["--max-old-space-size=64", "--max-semi-space-size=1"];

/** How a process ends that nothing from outside has ended. */
const crashSignals: ReadonlySet<string> = new Set(["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV"]);

interface Question {
  readonly order: StoreOrder;
  readonly answered: PromiseWithResolvers<unknown>;
}

/** Does not keep the proxy running. To be ended by `close`, or given up. */
export class StoreProcess {
  readonly #child: ChildProcess;
  readonly #orderMsMax: number;
  readonly #exited = Promise.withResolvers<void>();
  #last: Promise<unknown> = Promise.resolve();
  #question: Question | null = null;
  #hasEnded = false;
  /** Null while it is asked. */
  #howEnded: StoreEnd | null = null;

  /** @param orderMs how long an order may take, in milliseconds; then the process is given up */
  constructor(orderMs: number = orderMsMax) {
    this.#orderMsMax = orderMs;
    this.#child = spawn(process.execPath, [...memoryOptions, programFile()], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      serialization: "advanced",
    });
    this.#child.on("message", (reply) => this.#answer(reply as StoreReply));
    this.#child.once("exit", (code, signal) => {
      this.#howEnded ??= crashSignals.has(signal ?? "") ? "crashed" : "killed";
      this.#end(`it ended by ${signal ?? `exit code ${code}`}`);
    });
    this.#child.on("error", (error) => {
      // One that was never started has no exit.
      this.#howEnded ??= "killed";
      if (this.#child.pid === undefined) this.#end(error.message);
    });
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Whether nothing is left of it. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The same, after a while if need be: one on a disk that hangs may stay although it was killed. */
  async endsWithin(ms: number): Promise<boolean> {
    if (!this.#hasEnded) await Promise.race([this.#exited.promise, sleep(ms, undefined, { ref: false })]);
    return this.#hasEnded;
  }

  /**
   * @returns what the order asks for, in its turn
   * @throws StoreUnavailableError, StoreDamagedError, StoreEndedError; any other Error where the disk fails
   */
  ask<Value>(order: StoreOrder): Promise<Value> {
    const asked = this.#last.then(() => this.#send(order));
    this.#last = asked.catch(() => undefined);
    return asked as Promise<Value>;
  }

  /** @returns one of its stores, which has to be open */
  store(name: StoreName): DocumentStore {
    const store = name;
    return {
      get: async (key) =>
        (await this.ask<(Uint8Array | undefined)[]>({ kind: "get", store, keys: [key] }))[0],
      getMany: (keys) => this.ask({ kind: "get", store, keys }),
      put: (key, value, { sync } = { sync: false }) => this.ask({ kind: "put", store, key, value, sync }),
      del: (key, { sync } = { sync: false }) => this.ask({ kind: "del", store, key, sync }),
      clear: ({ gte, lt }) => this.ask({ kind: "clear", store, gte, lt }),
      nextKey: (after) => this.ask({ kind: "next-key", store, after }),
    };
  }

  /** Ends it in order, behind what was asked before. Resolves when it has gone; never rejects. */
  async close(): Promise<void> {
    try {
      await this.ask({ kind: "close" });
      if (!this.#hasEnded) this.#child.ref();
      await this.#exited.promise;
    } catch {
      this.giveUp();
    }
  }

  /** Ends it at once: what was written is as whole as after a kill. */
  giveUp(): void {
    this.#howEnded ??= "given-up";
    this.#child.kill("SIGKILL");
    this.#child.unref();
    this.#take()?.answered.reject(
      new StoreEndedError("The disk of storage.path does not answer", this.#howEnded),
    );
  }

  #send(order: StoreOrder): Promise<unknown> {
    if (this.#howEnded !== null) {
      const message = "The process that keeps the archive has ended";
      return Promise.reject(new StoreEndedError(message, this.#howEnded));
    }
    const answered = Promise.withResolvers<unknown>();
    this.#question = { order, answered };
    this.#child.channel?.ref();
    const limit = setTimeout(() => this.giveUp(), this.#orderMsMax);
    limit.unref();
    // One that has ended meanwhile says so itself.
    this.#child.send(order, () => undefined);
    return answered.promise.finally(() => {
      clearTimeout(limit);
      this.#child.channel?.unref();
    });
  }

  #answer(reply: StoreReply): void {
    const question = this.#take();
    if (question === null) return;
    const { order, answered } = question;
    if ("value" in reply) answered.resolve(reply.value);
    else answered.reject(errorOf(reply.failure, order));
  }

  #end(how: string): void {
    this.#hasEnded = true;
    this.#exited.resolve();
    const question = this.#take();
    if (question === null) return;
    const { answered, order } = question;
    const store = "store" in order ? order.store : null;
    const message = `The process that keeps the archive failed: ${how}`;
    answered.reject(new StoreEndedError(message, this.#howEnded ?? "killed", store));
  }

  #take(): Question | null {
    const question = this.#question;
    this.#question = null;
    return question;
  }
}

function errorOf({ code, isUnavailable, message }: StoreFailure, order: StoreOrder): Error {
  if (isUnavailable) return new StoreUnavailableError(message, code);
  const isDamaged = code === "LEVEL_CORRUPTION" && "store" in order;
  return isDamaged ? new StoreDamagedError(message, order.store) : new Error(message);
}

function programFile(): string {
  const name = `./store-program.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`;
  return fileURLToPath(new URL(name, import.meta.url));
}
