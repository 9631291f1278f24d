/** A data plane that is watched is told all that it would be told otherwise, and before its watcher. */
import { expect, it } from "vitest";
import type { DataPlane } from "../../../src/services/environments/served-environments.ts";
import type { PublishReport } from "../../../src/services/environments/snapshot-publisher.ts";
import {
  type DataPlaneWatcher,
  watchedDataPlane,
} from "../../../src/services/environments/watched-data-plane.ts";

const report = { environmentId: 5 } as PublishReport;

/** What a data plane and its watcher are told, in order. */
function startWatched(watches: readonly (keyof DataPlaneWatcher)[]) {
  const told: unknown[] = [];
  const tell = (name: string, ...values: unknown[]): void => void told.push([name, ...values]);
  const recorder =
    (name: string) =>
    (...values: unknown[]) =>
      tell(name, ...values);
  const plane: DataPlane = {
    setEnvironmentsKnown: recorder("setEnvironmentsKnown"),
    setEnvironment: recorder("setEnvironment"),
    removeEnvironment: recorder("removeEnvironment"),
    publish: async (environment) => {
      tell("publish", environment);
      if (environment === 9) throw new Error("refused");
      return report;
    },
    announce: recorder("announce"),
    setRefreshStatus: recorder("setRefreshStatus"),
    setDiscoveryStatus: recorder("setDiscoveryStatus"),
  };
  const watcher = Object.fromEntries(watches.map((name) => [name, recorder(name)]));
  return { told, watched: watchedDataPlane(plane, watcher) };
}

async function tellAll(watched: DataPlane) {
  watched.setEnvironmentsKnown(true);
  watched.setEnvironment(1, "keys" as never);
  expect(await watched.publish(1, "document" as never)).toBe(report);
  watched.announce(1, "version");
  watched.setRefreshStatus(1, "status" as never);
  watched.setDiscoveryStatus("discovery" as never);
  watched.removeEnvironment(1);
}

it("hands on what it is told, then tells its watcher what that asks for", async () => {
  const { told, watched } = startWatched([
    "environmentSet",
    "environmentRemoved",
    "published",
    "refreshStatusSet",
    "discoveryStatusSet",
  ]);
  await tellAll(watched);
  expect(told).toEqual([
    ["setEnvironmentsKnown", true],
    ["setEnvironment", 1, "keys"],
    ["environmentSet", 1, "keys"],
    ["publish", 1],
    ["published", 1, "document", report],
    ["announce", 1, "version"],
    ["setRefreshStatus", 1, "status"],
    ["refreshStatusSet", 1, "status"],
    ["setDiscoveryStatus", "discovery"],
    ["discoveryStatusSet", "discovery"],
    ["removeEnvironment", 1],
    ["environmentRemoved", 1],
  ]);
});

it("hands on the same where its watcher wants to know nothing", async () => {
  const { told, watched } = startWatched([]);
  await tellAll(watched);
  expect(told).toHaveLength(7);
});

it("tells its watcher of no document that is not served", async () => {
  const { told, watched } = startWatched(["published"]);
  await expect(watched.publish(9, "document" as never)).rejects.toThrow("refused");
  expect(told).toEqual([["publish", 9]]);
});
