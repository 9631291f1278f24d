/** How workers end together: they drain within the limits of the settings, and are killed beyond them. */
import type { ServerSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";
import { settlesWithin } from "../time-limit.ts";
import type { WorkerChannel } from "./worker-channel.ts";

/** What a drain may take beyond its two settings, and a drain that was cut. */
const drainSlackMs = 2000;
const cutMsMax = 1000;
/** How long the last words of workers that have ended are waited for. */
const lastWordsMsMax = 1000;

export interface WorkerDrainOptions {
  readonly settings: Pick<ServerSettings, "drainDelayMs" | "drainTimeoutMs">;
  /** Those that still run; who has ended leaves it. */
  readonly channels: ReadonlySet<WorkerChannel>;
  /** Settles when all have ended. */
  readonly ended: Promise<unknown>;
  /** Cuts the drain. */
  readonly rush: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Resolves when all workers have ended, and what they had to say was taken. */
export async function drainWorkers(options: WorkerDrainOptions): Promise<void> {
  const told = [...options.channels].map((channel) => channel.told);
  for (const channel of options.channels) void channel.send({ kind: "drain" });
  await endInTime(options);
  await settlesWithin(Promise.all(told), lastWordsMsMax, options.clock);
}

async function endInTime(options: WorkerDrainOptions): Promise<void> {
  const { channels, clock, ended, logger, rush, settings } = options;
  const drainMsMax = settings.drainDelayMs + settings.drainTimeoutMs + drainSlackMs;
  if (await settlesWithin(ended, drainMsMax, clock, rush)) return;
  if (rush.aborted && (await settlesWithin(ended, cutMsMax, clock))) return;
  for (const channel of channels) {
    logger.warn({ pid: channel.pid }, "A worker process did not end in time, and was killed");
    channel.kill("it did not end in time");
  }
  await ended;
}
