/** Which of an environment's server keys the upstream is asked with. */
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { Clock } from "../clock.ts";

/** The first that is valid: the upstream is asked with it. Without any, the first is as good as another. */
export function serverKeyOf({ serverKeys }: EnvironmentKeys, clock: Pick<Clock, "wallTime">): string {
  const nowMs = clock.wallTime().getTime();
  const valid = serverKeys.find(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs);
  return (valid ?? serverKeys[0])?.key ?? "";
}
