/**
 * The data plane's side of the environments: for each a slot, its keys, and what the control plane says of
 * its refreshes. It serves what it is given and asks nobody.
 */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { SnapshotSlot, SnapshotStore } from "../../cache/snapshot-store.ts";
import type { EnvironmentKeyPair } from "../../models/settings.ts";
import type { HealthSource } from "../health/health-report.ts";
import { KeyDirectory, type KeyResolver } from "./key-directory.ts";
import { neverRefreshed, type RefreshStatus } from "./refresh-status.ts";
import type { PublishReport, SnapshotPublisher } from "./snapshot-publisher.ts";

/** What the control plane tells a data plane; environments are numbered as the settings list them. */
export interface DataPlane {
  /**
   * Resolves when the document is being served.
   * @throws UpstreamError `document_invalid`, or with worker processes `document_fatal` or `no_worker`, and
   *   what was served still is
   */
  publish(environment: number, document: SnapshotInput): Promise<PublishReport>;
  /** How the refreshes of an environment go, for health. */
  setRefreshStatus(environment: number, status: RefreshStatus): void;
  /**
   * The control plane is another process, and was alive then.
   * @param atMs on the monotonic clock
   */
  heardOfControlPlane?(atMs: number): void;
}

interface ServedEnvironment {
  readonly slot: SnapshotSlot;
  refresh: RefreshStatus;
}

export class ServedEnvironments implements DataPlane {
  readonly #directory = new KeyDirectory();
  readonly #environments: readonly ServedEnvironment[];
  readonly #publisher: SnapshotPublisher;
  #controlPlaneHeardMs: number | null = null;

  /** Makes a place for each pair of keys. */
  constructor(pairs: readonly EnvironmentKeyPair[], store: SnapshotStore, publisher: SnapshotPublisher) {
    this.#publisher = publisher;
    this.#environments = pairs.map((keys) => {
      const slot = store.addSlot();
      this.#directory.add(keys, slot);
      return { slot, refresh: neverRefreshed };
    });
  }

  readonly resolveKey: KeyResolver = (key) => this.#directory.resolve(key);

  readonly healthSources = (): readonly HealthSource[] =>
    this.#environments.map(({ slot, refresh }) => ({
      environmentId: slot.current?.environmentId ?? null,
      refresh,
      controlPlaneHeardMs: this.#controlPlaneHeardMs,
    }));

  async publish(environment: number, document: SnapshotInput): Promise<PublishReport> {
    return await this.#publisher.publish(this.#at(environment).slot, document);
  }

  setRefreshStatus(environment: number, status: RefreshStatus): void {
    this.#at(environment).refresh = status;
  }

  heardOfControlPlane(atMs: number): void {
    this.#controlPlaneHeardMs = atMs;
  }

  #at(environment: number): ServedEnvironment {
    const found = this.#environments[environment];
    if (found === undefined) throw new Error(`there is no environment ${environment}`);
    return found;
  }
}
