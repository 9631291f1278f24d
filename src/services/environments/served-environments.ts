/**
 * The data plane's side of the environments: for each a slot, its keys, and what the control plane says of
 * its refreshes. It serves what it is given and asks nobody.
 */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { SnapshotSlot, SnapshotStore } from "../../cache/snapshot-store.ts";
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { UsageRow } from "../../models/usage.ts";
import type { Clock } from "../clock.ts";
import type { DiscoverySource, HealthSource } from "../health/health-report.ts";
import { takeRows } from "../reporting/usage-rows.ts";
import { KeyDirectory, type KeyResolver } from "./key-directory.ts";
import { neverRefreshed, type RefreshStatus } from "./refresh-status.ts";
import type { PublishReport, SnapshotPublisher } from "./snapshot-publisher.ts";

/**
 * What the control plane tells a data plane. Environments have numbers; one that is gone leaves its number to
 * no other.
 */
export interface DataPlane {
  /** Whether all environments have been told of; until then requests with unknown keys are answered 503. */
  setEnvironmentsKnown(areKnown: boolean): void;
  /**
   * Makes a place for a new environment, or gives one that is there other server keys: its client key never
   * changes.
   */
  setEnvironment(environment: number, keys: EnvironmentKeys): void;
  /** Its keys open nothing any more, and all that is held of it goes. */
  removeEnvironment(environment: number): void;
  /**
   * Resolves when the document is being served.
   * @throws UpstreamError `document_invalid`, or with worker processes `document_fatal` or `no_worker`, and
   *   what was served still is; Error where the environment is not there any more
   */
  publish(environment: number, document: SnapshotInput): Promise<PublishReport>;
  /**
   * Whoever serves has the published document of this version by now, or had the time to: those who wait for
   * changes may be told of it. To be called after each `publish`; only a change is passed on.
   */
  announce(environment: number, version: string): void;
  /** How the refreshes of an environment go, for health. */
  setRefreshStatus(environment: number, status: RefreshStatus): void;
  /** How the discovery of environments goes, for health; told only where there is one. */
  setDiscoveryStatus(status: RefreshStatus): void;
  /**
   * The control plane is another process, and was alive then.
   * @param atMs on the monotonic clock
   */
  heardOfControlPlane?(atMs: number): void;
}

/** Who is told what becomes of the slots, in the turn in which it does. */
export interface SlotWatcher {
  /** There is one more. */
  added(slot: SnapshotSlot): void;
  /** Its environment is gone. */
  removed(slot: SnapshotSlot): void;
  /** It holds another snapshot. */
  swapped(slot: SnapshotSlot): void;
  /** See `DataPlane.announce`. */
  announced(slot: SnapshotSlot, version: string): void;
}

interface ServedEnvironment {
  readonly clientKey: string;
  readonly slot: SnapshotSlot;
  refresh: RefreshStatus;
}

export class ServedEnvironments implements DataPlane {
  readonly #directory: KeyDirectory;
  /** In the order of their numbers. */
  readonly #environments = new Map<number, ServedEnvironment>();
  readonly #store: SnapshotStore;
  readonly #publisher: SnapshotPublisher;
  readonly #watcher: SlotWatcher | null;
  /** Environments that are gone, until their last answers are taken; null: nobody takes them. */
  #gone: ServedEnvironment[] | null = null;
  #discovery: RefreshStatus | null = null;
  #controlPlaneHeardMs: number | null = null;

  /** @param watcher null: nobody is to be told */
  constructor(
    store: SnapshotStore,
    publisher: SnapshotPublisher,
    clock: Pick<Clock, "wallTime">,
    watcher: SlotWatcher | null = null,
  ) {
    this.#directory = new KeyDirectory(clock);
    this.#store = store;
    this.#publisher = publisher;
    this.#watcher = watcher;
  }

  /** For routes. */
  readonly resolveKey: KeyResolver = (key) => this.#directory.resolve(key);

  /** @returns one for each environment, in the order of their numbers */
  readonly healthSources = (): readonly HealthSource[] =>
    Array.from(this.#environments.values(), ({ slot, refresh }) => ({
      environmentId: slot.current?.environmentId ?? null,
      refresh,
      controlPlaneHeardMs: this.#controlPlaneHeardMs,
    }));

  /** @returns null where nothing was told of a discovery */
  readonly discoverySource = (): DiscoverySource | null =>
    this.#discovery === null
      ? null
      : { refresh: this.#discovery, controlPlaneHeardMs: this.#controlPlaneHeardMs };

  setEnvironmentsKnown(areKnown: boolean): void {
    this.#directory.setComplete(areKnown);
  }

  setEnvironment(environment: number, keys: EnvironmentKeys): void {
    const { slot } = this.#environments.get(environment) ?? this.#add(environment, keys.clientSideKey);
    this.#directory.set(slot, keys);
  }

  removeEnvironment(environment: number): void {
    const found = this.#environments.get(environment);
    if (found === undefined) return;
    this.#directory.remove(found.slot);
    this.#store.removeSlot(found.slot);
    this.#environments.delete(environment);
    this.#gone?.push(found);
    this.#watcher?.removed(found.slot);
  }

  /** @returns what was answered since it was last asked for */
  readonly takeUsage = (): readonly UsageRow[] => {
    const all = [...this.#environments.values(), ...(this.#gone ?? [])];
    this.#gone = [];
    return all.flatMap(({ clientKey, slot }) => takeRows(clientKey, slot.counts));
  };

  async publish(environment: number, document: SnapshotInput): Promise<PublishReport> {
    const found = this.#environments.get(environment);
    if (found === undefined) throw new Error(`there is no environment ${environment}`);
    const report = await this.#publisher.publish(found.slot, document);
    this.#watcher?.swapped(found.slot);
    return report;
  }

  announce(environment: number, version: string): void {
    const found = this.#environments.get(environment);
    if (found !== undefined) this.#watcher?.announced(found.slot, version);
  }

  setRefreshStatus(environment: number, status: RefreshStatus): void {
    const found = this.#environments.get(environment);
    if (found !== undefined) found.refresh = status;
  }

  setDiscoveryStatus(status: RefreshStatus): void {
    this.#discovery = status;
  }

  heardOfControlPlane(atMs: number): void {
    this.#controlPlaneHeardMs = atMs;
  }

  #add(environment: number, clientKey: string): ServedEnvironment {
    const added = { clientKey, slot: this.#store.addSlot(), refresh: neverRefreshed };
    this.#environments.set(environment, added);
    this.#watcher?.added(added.slot);
    return added;
  }
}
