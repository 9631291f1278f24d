/** Ends workers that hang, so that others take their places. */
import type { Clock } from "../clock.ts";
import { settlesWithin } from "../time-limit.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** A worker is asked for a sign of life this often, and is ended after so many beats without one. */
const beatMs = 1000;
const silentBeatsMax = 8;
/** The same while it loads its program, which takes long on a busy machine. */
const startingBeatsMax = 30;

/**
 * @param channels of the workers there are, at any time
 * @param gone resolves when there are none any more, and there will be none
 */
export async function endSilentWorkers(
  channels: Iterable<WorkerChannel>,
  gone: Promise<unknown>,
  clock: Clock,
): Promise<void> {
  do {
    for (const channel of channels) {
      const beatsMax = channel.pulse.hasAnswered ? silentBeatsMax : startingBeatsMax;
      if (channel.pulse.beat(clock.monotonicMs()) < beatsMax) continue;
      channel.kill(`it did not answer for ${(beatsMax * beatMs) / 1000} s`);
    }
  } while (!(await settlesWithin(gone, beatMs, clock)));
}
