/**
 * The environments that this process serves: for each a slot, its keys, and a poller. It starts and stops
 * them together and tells health how they are.
 */
import type { SnapshotSettings } from "../../cache/environment-snapshot.ts";
import type { SnapshotSlot, SnapshotStore } from "../../cache/snapshot-store.ts";
import { maskKey } from "../../models/masked-key.ts";
import type { EnvironmentKeyPair, PollSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { HealthSource } from "../health/health-report.ts";
import type { Logger } from "../service-logger.ts";
import type { UpstreamClient } from "../upstream/upstream-client.ts";
import { EnvironmentPoller, type RefreshLimiter } from "./environment-poller.ts";
import { KeyDirectory, type KeyResolver } from "./key-directory.ts";
import { SnapshotPublisher } from "./snapshot-publisher.ts";

export interface ServedEnvironmentsOptions {
  readonly store: SnapshotStore;
  readonly upstream: Pick<UpstreamClient, "fetchDocument">;
  readonly snapshotSettings: SnapshotSettings;
  readonly poll: PollSettings;
  readonly limiter: RefreshLimiter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

export interface ServedEnvironments extends AsyncDisposable {
  readonly resolveKey: KeyResolver;
  readonly healthSources: () => readonly HealthSource[];
  /** Begins to poll all of them. */
  start(): void;
}

/** Makes a place and a poller for each pair of keys; nothing is fetched before `start`. */
export function serveEnvironments(
  pairs: readonly EnvironmentKeyPair[],
  options: ServedEnvironmentsOptions,
): ServedEnvironments {
  const directory = new KeyDirectory();
  const publisher = new SnapshotPublisher(options);
  const environments = pairs.map((keys) => {
    const slot = options.store.addSlot();
    directory.add(keys, slot);
    return { slot, poller: createPoller(keys, slot, publisher, options) };
  });
  return {
    resolveKey: directory.resolve,
    healthSources: () =>
      environments.map(({ slot, poller }) => ({
        environmentId: slot.current?.environmentId ?? null,
        refresh: poller.status,
      })),
    start() {
      for (const { poller } of environments) poller.start();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(environments.map(({ poller }) => poller[Symbol.asyncDispose]()));
    },
  };
}

function createPoller(
  { clientSideKey, serverSideKey }: EnvironmentKeyPair,
  slot: SnapshotSlot,
  publisher: SnapshotPublisher,
  { upstream, poll, limiter, clock, logger, random }: ServedEnvironmentsOptions,
): EnvironmentPoller {
  const label = maskKey(serverSideKey);
  return new EnvironmentPoller({
    label,
    serverKey: serverSideKey,
    upstream,
    publish: (document) => publisher.publish({ slot, clientKey: clientSideKey, label }, document),
    limiter,
    clock,
    random,
    logger,
    settings: poll,
  });
}
