/** What the thread of the admin listener knows of the environments and of the process that polls. */
import type { Clock } from "../clock.ts";
import { neverRefreshed, type RefreshStatus } from "../environments/refresh-status.ts";
import type { HealthSource } from "../health/health-report.ts";
import type { AdminOrder } from "./admin-messages.ts";

/** A process that says nothing for so long stands still; workers that hang are ended after as long. */
const silenceMsMax = 8000;

interface WatchedEnvironment {
  environmentId: number | null;
  refresh: RefreshStatus;
}

export class WatchedEnvironments {
  readonly #clock: Clock;
  readonly #environments: readonly WatchedEnvironment[];
  #aliveMs: number;
  #isServing = true;
  #isDraining = false;

  /** @param count of the environments that the settings list */
  constructor(count: number, clock: Clock) {
    this.#clock = clock;
    this.#environments = Array.from({ length: count }, () => ({
      environmentId: null,
      refresh: neverRefreshed,
    }));
    this.#aliveMs = clock.monotonicMs();
  }

  take(order: AdminOrder): void {
    if (order.kind === "status") this.#at(order.environment).refresh = order.status;
    else if (order.kind === "served") this.#at(order.environment).environmentId = order.environmentId;
    else if (order.kind === "draining") this.#isDraining = true;
    else {
      this.#aliveMs = order.atMs;
      this.#isServing = order.isServing;
    }
  }

  readonly healthSources = (): readonly HealthSource[] =>
    this.#environments.map((environment) => ({ ...environment, controlPlaneHeardMs: this.#aliveMs }));

  readonly isDraining = (): boolean => this.#isDraining;

  /** Whether the proxy's process runs, for liveness. */
  readonly isAlive = (): boolean => this.#clock.monotonicMs() - this.#aliveMs <= silenceMsMax;

  /** Whether requests are answered by anybody, for readiness. */
  readonly isServing = (): boolean => this.#isServing && this.isAlive();

  #at(environment: number): WatchedEnvironment {
    const found = this.#environments[environment];
    if (found === undefined) throw new Error(`there is no environment ${environment}`);
    return found;
  }
}
