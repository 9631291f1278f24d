/** Has a document that one worker serves delivered to the others. It decides nothing about it. */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { Clock } from "../clock.ts";
import { settlesWithin } from "../time-limit.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** How long it waits for the workers that are not the first to have it; they get it all the same. */
const rolloutMsMax = 2000;

/**
 * Resolves when all serve the document, but for those that give no sign of life, or after two seconds. It
 * never rejects.
 * @param signal ends the wait: a worker that has ended may never take what it was sent
 */
export async function rollOut(
  channels: readonly WorkerChannel[],
  environment: number,
  document: SnapshotInput,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const rollouts = channels.map((channel) => {
    const delivery = channel.deliver(environment, document);
    return channel.pulse.isSilent ? null : delivery;
  });
  await settlesWithin(Promise.all(rollouts), rolloutMsMax, clock, signal);
}
