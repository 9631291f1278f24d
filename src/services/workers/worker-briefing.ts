/**
 * What a new worker is told before it serves, so that it serves what the others do: the settings, the
 * certificate, of each environment its keys, its document and how its refreshes go, and how discovery goes.
 * It decides nothing.
 */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { CertificatePair, Settings } from "../../models/settings.ts";
import type { RefreshStatus } from "../environments/refresh-status.ts";
import type { WorkerChannel } from "./worker-channel.ts";
import { EnvironmentGoneError } from "./worker-end.ts";

interface BriefedEnvironment {
  keys: EnvironmentKeys;
  document: SnapshotInput | null;
  announcedVersion: string | null;
  status: RefreshStatus | null;
}

/** Told all that workers are told, as it is told to them. */
export class WorkerBriefing {
  readonly #environments = new Map<number, BriefedEnvironment>();
  #certificate: CertificatePair | null = null;
  #areEnvironmentsKnown = true;
  #discovery: RefreshStatus | null = null;
  #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  setSettings(settings: Settings): void {
    this.#settings = settings;
  }

  setCertificate(pair: CertificatePair): void {
    this.#certificate = pair;
  }

  setEnvironmentsKnown(areKnown: boolean): void {
    this.#areEnvironmentsKnown = areKnown;
  }

  setDiscoveryStatus(status: RefreshStatus): void {
    this.#discovery = status;
  }

  setEnvironment(environment: number, keys: EnvironmentKeys): void {
    const found = this.#environments.get(environment);
    const empty = { document: null, announcedVersion: null, status: null };
    if (found === undefined) this.#environments.set(environment, { keys, ...empty });
    else found.keys = keys;
  }

  removeEnvironment(environment: number): void {
    this.#environments.delete(environment);
  }

  /** @throws EnvironmentGoneError */
  setDocument(environment: number, document: SnapshotInput): void {
    const found = this.#environments.get(environment);
    if (found === undefined) throw new EnvironmentGoneError(environment);
    found.document = document;
  }

  setAnnounced(environment: number, version: string): void {
    const found = this.#environments.get(environment);
    if (found !== undefined) found.announcedVersion = version;
  }

  setRefreshStatus(environment: number, status: RefreshStatus): void {
    const found = this.#environments.get(environment);
    if (found !== undefined) found.status = status;
  }

  /**
   * Tells it all at once, so that what is published meanwhile comes after it. Resolves once the worker serves
   * each document that is still wanted.
   * @throws what `WorkerChannel.publish` does
   */
  async give(channel: WorkerChannel): Promise<void> {
    void channel.send({ kind: "start", settings: this.#settings });
    if (this.#certificate !== null) void channel.send({ kind: "certificate", pair: this.#certificate });
    void channel.send({ kind: "environments-known", areKnown: this.#areEnvironmentsKnown });
    if (this.#discovery !== null) {
      void channel.send({ kind: "discovery-status", status: this.#discovery });
    }
    const told: Promise<unknown>[] = [];
    for (const [environment, { keys, document, announcedVersion, status }] of this.#environments) {
      channel.setEnvironment(environment, keys);
      if (document !== null) told.push(channel.publish(environment, document).catch(unlessGone));
      if (announcedVersion !== null) channel.announce(environment, announcedVersion);
      if (status !== null) channel.setRefreshStatus(environment, status);
    }
    await Promise.all(told);
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof EnvironmentGoneError)) throw error;
}
