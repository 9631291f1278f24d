/** What the thread of the admin listener knows of the environments and of the process that polls. */
import type { Clock } from "../clock.ts";
import { neverRefreshed, type RefreshStatus } from "../environments/refresh-status.ts";
import type { DiscoverySource, HealthSource } from "../health/health-report.ts";
import type { AdminOrder } from "./admin-messages.ts";

/** A process that says nothing for so long stands still; workers that hang are ended after as long. */
const silenceMsMax = 8000;

interface WatchedEnvironment {
  environmentId: number | null;
  refresh: RefreshStatus;
}

/** At first, the process was heard just now, and serves. */
export class WatchedEnvironments {
  readonly #clock: Clock;
  /** In the order of their numbers. */
  readonly #environments = new Map<number, WatchedEnvironment>();
  #discovery: RefreshStatus | null = null;
  #aliveMs: number;
  #isServing = true;
  #isDraining = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#aliveMs = clock.monotonicMs();
  }

  take(order: Exclude<AdminOrder, { kind: "settings" }>): void {
    if (order.kind === "environment") this.#add(order.environment);
    else if (order.kind === "remove-environment") this.#environments.delete(order.environment);
    else if (order.kind === "status") this.#update(order.environment, { refresh: order.status });
    else if (order.kind === "discovery-status") this.#discovery = order.status;
    else if (order.kind === "served") this.#update(order.environment, { environmentId: order.environmentId });
    else if (order.kind === "draining") this.#isDraining = true;
    else {
      this.#aliveMs = order.atMs;
      this.#isServing = order.isServing;
    }
  }

  readonly healthSources = (): readonly HealthSource[] =>
    Array.from(this.#environments.values(), (environment) => ({
      ...environment,
      controlPlaneHeardMs: this.#aliveMs,
    }));

  readonly discoverySource = (): DiscoverySource | null =>
    this.#discovery === null ? null : { refresh: this.#discovery, controlPlaneHeardMs: this.#aliveMs };

  readonly isDraining = (): boolean => this.#isDraining;

  /** Whether the proxy's process runs, for liveness. */
  readonly isAlive = (): boolean => this.#clock.monotonicMs() - this.#aliveMs <= silenceMsMax;

  /** Whether requests are answered by anybody, for readiness. */
  readonly isServing = (): boolean => this.#isServing && this.isAlive();

  #add(environment: number): void {
    if (this.#environments.has(environment)) return;
    this.#environments.set(environment, { environmentId: null, refresh: neverRefreshed });
  }

  /** What is told of an environment that is gone is passed over. */
  #update(environment: number, change: Partial<WatchedEnvironment>): void {
    const found = this.#environments.get(environment);
    if (found !== undefined) Object.assign(found, change);
  }
}
