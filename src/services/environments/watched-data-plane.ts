/**
 * A data plane beside which somebody watches what it is told. The watcher changes nothing of it, and is told
 * only of what the data plane has taken.
 */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { RefreshStatus } from "./refresh-status.ts";
import type { DataPlane } from "./served-environments.ts";
import type { PublishReport } from "./snapshot-publisher.ts";

/** Each is called after the method of `DataPlane`, and not where that throws. */
export interface DataPlaneWatcher {
  environmentSet?(environment: number, keys: EnvironmentKeys): void;
  environmentRemoved?(environment: number): void;
  /** The document is being served. */
  published?(environment: number, document: SnapshotInput, report: PublishReport): void;
  refreshStatusSet?(environment: number, status: RefreshStatus): void;
  discoveryStatusSet?(status: RefreshStatus): void;
}

/** @returns a data plane that leaves all work to the given one, and then tells the watcher */
export function watchedDataPlane(dataPlane: DataPlane, watcher: DataPlaneWatcher): DataPlane {
  return {
    setEnvironmentsKnown: (areKnown) => dataPlane.setEnvironmentsKnown(areKnown),
    setEnvironment: (environment, keys) => {
      dataPlane.setEnvironment(environment, keys);
      watcher.environmentSet?.(environment, keys);
    },
    removeEnvironment: (environment) => {
      dataPlane.removeEnvironment(environment);
      watcher.environmentRemoved?.(environment);
    },
    publish: async (environment, document) => {
      const report = await dataPlane.publish(environment, document);
      watcher.published?.(environment, document, report);
      return report;
    },
    announce: (environment, version) => dataPlane.announce(environment, version),
    setRefreshStatus: (environment, status) => {
      dataPlane.setRefreshStatus(environment, status);
      watcher.refreshStatusSet?.(environment, status);
    },
    setDiscoveryStatus: (status) => {
      dataPlane.setDiscoveryStatus(status);
      watcher.discoveryStatusSet?.(status);
    },
  };
}
