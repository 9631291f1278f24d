/**
 * The connections to one upstream as they change with the settings: what runs ends on those it began with. It
 * decides nothing that depends on a setting.
 */
import type { UpstreamDispatcher } from "./upstream-dispatcher.ts";

/** Connections while somebody uses them. Disposing of it says that nothing more is to come of them. */
export interface ConnectionsInUse extends Disposable {
  readonly upstream: UpstreamDispatcher;
}

/** Disposing of it ends the requests that run and closes all connections. */
export class UpstreamConnections implements AsyncDisposable {
  #current: UpstreamDispatcher;
  /** How many use each; one that is not current goes with the last of them. */
  readonly #users = new Map<UpstreamDispatcher, number>();

  constructor(first: UpstreamDispatcher) {
    this.#current = first;
  }

  /** @returns those of now, for one request or several that belong together */
  use(): ConnectionsInUse {
    const upstream = this.#current;
    this.#count(upstream, 1);
    return { upstream, [Symbol.dispose]: () => this.#count(upstream, -1) };
  }

  /** Who uses connections from now on gets these. */
  replace(next: UpstreamDispatcher): void {
    const former = this.#current;
    this.#current = next;
    this.#count(former, 0);
  }

  // NOTE: `close` would wait by itself, but what undici closes it cannot destroy any more.
  async [Symbol.asyncDispose](): Promise<void> {
    const all = new Set([this.#current, ...this.#users.keys()]);
    await Promise.all(Array.from(all, ({ dispatcher }) => dispatcher.destroy()));
  }

  #count(upstream: UpstreamDispatcher, change: number): void {
    const users = (this.#users.get(upstream) ?? 0) + change;
    if (users > 0) {
      this.#users.set(upstream, users);
      return;
    }
    this.#users.delete(upstream);
    if (upstream !== this.#current) void upstream.dispatcher.destroy().catch(() => undefined);
  }
}
