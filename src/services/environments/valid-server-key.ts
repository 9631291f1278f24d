/** Which of an environment's server keys the upstream is asked with. */
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { Clock } from "../clock.ts";

/** @returns the first that is valid; where none is, the first of all; where there is none, an empty text */
export function serverKeyOf({ serverKeys }: EnvironmentKeys, clock: Pick<Clock, "wallTime">): string {
  const nowMs = clock.wallTime().getTime();
  const valid = serverKeys.find(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs);
  return (valid ?? serverKeys[0])?.key ?? "";
}
