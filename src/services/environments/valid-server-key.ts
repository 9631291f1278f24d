/** By which of its server keys an environment is asked about, and named in logs. */
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import { maskKey } from "../../models/masked-key.ts";
import type { Clock } from "../clock.ts";

/** @returns the first that is valid; where none is, the first of all; where there is none, an empty text */
export function serverKeyOf({ serverKeys }: EnvironmentKeys, clock: Pick<Clock, "wallTime">): string {
  const nowMs = clock.wallTime().getTime();
  const valid = serverKeys.find(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs);
  return (valid ?? serverKeys[0])?.key ?? "";
}

/** @returns the environment as logs name it: by the key that it is asked about with, masked */
export function labelOf(keys: EnvironmentKeys, clock: Pick<Clock, "wallTime">): string {
  return maskKey(serverKeyOf(keys, clock));
}
