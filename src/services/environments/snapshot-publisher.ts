/**
 * The data plane's side of publishing: turns a packed document into the snapshot that is served, and swaps. A
 * document that fails on the way changes nothing (contract A11). It alone writes to the snapshot store.
 */
import {
  buildEnvironmentSnapshot,
  type EnvironmentSnapshot,
  type SnapshotInput,
  type SnapshotSettings,
} from "../../cache/environment-snapshot.ts";
import type { SnapshotSlot, SnapshotStore } from "../../cache/snapshot-store.ts";
import { UpstreamError } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";
import { collectSoon } from "../garbage-collection.ts";
import { runInSlices } from "./time-slices.ts";

export interface SnapshotPublisherOptions {
  readonly store: SnapshotStore;
  /** Asked before each snapshot: limits are shared by as many environments as there are. */
  readonly snapshotSettings: () => SnapshotSettings;
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** What whoever published learns of the snapshot: plain values, that cross processes. */
export type PublishReport = Pick<
  EnvironmentSnapshot,
  "version" | "environmentId" | "environmentName" | "clientKey" | "updatedAt" | "counts" | "refusedPatterns"
>;

export class SnapshotPublisher {
  readonly #options: SnapshotPublisherOptions;

  constructor(options: SnapshotPublisherOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the document is being served.
   * @throws UpstreamError `document_invalid`, and the slot keeps what it had
   */
  async publish(slot: SnapshotSlot, document: SnapshotInput): Promise<PublishReport> {
    const { store } = this.#options;
    const snapshot = await this.#build(document);
    store.swap(slot, snapshot);
    // The document that was served before, and what the new one was taken apart into.
    collectSoon(snapshot.counts.bytes);
    const { version, environmentId, environmentName, clientKey, updatedAt, counts, refusedPatterns } =
      snapshot;
    return { version, environmentId, environmentName, clientKey, updatedAt, counts, refusedPatterns };
  }

  async #build(document: SnapshotInput): Promise<EnvironmentSnapshot> {
    const { clock, snapshotSettings } = this.#options;
    try {
      const settings = snapshotSettings();
      return await buildEnvironmentSnapshot(document, settings, (steps) => runInSlices(steps, clock));
    } catch (cause) {
      throw new UpstreamError("document_invalid", "the environment document cannot be compiled", { cause });
    }
  }
}
