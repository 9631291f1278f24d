/** The share of one environment in what is limited for all of them together. */
import { answerPlacesMax } from "../engine/property.ts";
import type { IdentityCacheSettings } from "../models/settings.ts";
import type { SnapshotSettings } from "./environment-snapshot.ts";
import { sharedBetween } from "./identity-response-cache.ts";
import type { HeaderSetFactory } from "./prepared-response.ts";

/**
 * @param identityCache entries and bytes of all environments together
 * @param environments how many there are when a snapshot is built. Older snapshots keep their share until
 *   their document changes: once n environments have come one by one, all shares are ln(n) times the limit.
 */
export function snapshotSettingsOf(
  headerSet: HeaderSetFactory,
  identityCache: IdentityCacheSettings,
  environments: number,
): SnapshotSettings {
  return {
    headerSet,
    identityCache: sharedBetween(environments * 2, identityCache),
    answerPlaces: Math.floor(answerPlacesMax / Math.max(1, environments)),
  };
}
