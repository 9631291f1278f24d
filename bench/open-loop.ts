/**
 * An open loop at work, seen from the process that measures: it goes on in a process of its own, and tells
 * each second what became of its requests.
 */
import { Child } from "./child-process.ts";
import { stopOrder } from "./load-orders.ts";
import { mergeOutcomes, type Outcomes } from "./load-outcomes.ts";
import type { OpenLoopOrder, OpenLoopReport } from "./open-loop-load.ts";

export class OpenLoop implements AsyncDisposable {
  readonly #child: Child;
  readonly #told = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #reports: Outcomes[] = [];

  /** @param core null: any */
  constructor(order: OpenLoopOrder, core: 0 | 1 | null = null) {
    this.#child = new Child({ program: [new URL("./open-loop-load.ts", import.meta.url)], core });
    this.#child.onMessage((message) => {
      const { outcomes, isLast } = message as OpenLoopReport;
      this.#reports.push(outcomes);
      this.#told.resolve();
      if (isLast) this.#ended.resolve();
    });
    this.#child.tell(order);
  }

  /** Resolves once the first second is told of: a busy machine takes a while to start a process. */
  async underWay(): Promise<void> {
    await this.#told.promise;
  }

  /** @returns what was told since the last call, an entry for each second */
  takeSeconds(): readonly Outcomes[] {
    const seconds = this.#reports;
    this.#reports = [];
    return seconds;
  }

  /** @returns the same, as one */
  take(): Outcomes {
    return mergeOutcomes(this.takeSeconds());
  }

  /** Sends no more, waits for what is in flight, and ends. @returns what was not taken yet */
  async stop(): Promise<Outcomes> {
    this.#child.tell(stopOrder);
    await this.#ended.promise;
    await this.#child[Symbol.asyncDispose]();
    return this.take();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
