/**
 * An outage of a day (reliability B25): as many polls as a day has, of several environments, one right after
 * the other. Memory does not grow and the log stays short; both are those of this process.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { Clock } from "../../src/services/clock.ts";
import { EnvironmentPoller } from "../../src/services/environments/environment-poller.ts";
import { createRefreshLimiter } from "../../src/services/environments/refresh-limiter.ts";
import type { FaultMode } from "../support/fault-modes.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { createRecordingLogger } from "../support/test-app.ts";
import { createClient } from "../support/upstream-settings.ts";
import { scaled } from "./fault-scale.ts";

const intervalMs = 10_000;
const dayMs = 24 * 3_600_000;
const environments = 4;
/** A day has 8,640 of each environment. */
const polls = scaled(8640, 1080, 8640);
const growthBytesMax = 4_000_000;
/** Null: the port refuses. The quiet ones are last: sockets that broke are collected over some time. */
const modes: readonly (FaultMode | number | null)[] = [
  "reset",
  null,
  "truncated-length",
  "html",
  500,
  403,
  429,
];
/** How often all of them come; after the first time memory is looked at. */
const rounds = 4;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Nobody sleeps: a wait is over at once, and the time it took is added. */
class HastyClock implements Clock {
  #nowMs = 0;
  waits = 0;

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallTime(): Date {
    return new Date(this.#nowMs);
  }

  async sleep(ms: number): Promise<void> {
    this.waits += 1;
    // All wait at the same time.
    this.#nowMs += ms / environments;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function heapBytes(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

it("B25 a day of outage takes no more memory than an hour, and a line a minute at most", {
  timeout: polls * 60,
}, async () => {
  await using upstream = await startFaultUpstream();
  const keys = Array.from({ length: environments }, (_, index) => `ser.${index}`);
  for (const key of keys) upstream.setDocument(key, "{}");
  const clock = new HastyClock();
  await using client = createClient({ apiUrl: upstream.apiUrl, requestTimeoutMs: 1000 });
  const { logger, lines } = createRecordingLogger();
  const limiter = createRefreshLimiter(environments);
  const pollers = keys.map((serverKey) => {
    const settings = {
      intervalMs,
      jitterRatio: 0.1,
      concurrencyMax: environments,
      unconditionalEveryPolls: 30,
      retryMinMs: 250,
      retryMaxMs: 1000,
    };
    const publish = async () => ({ updatedAt: null });
    const common = { upstream: client, publish, limiter, clock, random: Math.random, logger };
    const keyed = { label: () => serverKey, serverKey: () => serverKey };
    return new EnvironmentPoller({ ...common, ...keyed, settings: () => settings });
  });
  const until = async (waits: number): Promise<void> => {
    while (clock.waits < waits) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  for (const poller of pollers) poller.start();
  await until(environments);
  const stay = () => until(clock.waits + (environments * polls) / (rounds * modes.length));
  let firstBytes = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const mode of modes) {
      // What the upstream itself remembers would grow.
      upstream.forgetRequests();
      if (mode === null) await upstream.refuse();
      else for (const key of keys) upstream.setMode(key, mode);
      await stay();
      if (mode === null) await upstream.accept();
    }
    if (round === 0) firstBytes = await heapBytes();
  }
  const growth = (await heapBytes()) - firstBytes;
  await Promise.all(pollers.map((poller) => poller[Symbol.asyncDispose]()));
  const minutes = clock.monotonicMs() / 60_000;
  process.stdout.write(
    `B25: ${clock.waits} polls in ${Math.round(minutes)} minutes of an outage, ${lines.length} lines, ` +
      `${Math.round(growth / 1000)} kB more after three quarters of it\n`,
  );
  expect(growth).toBeLessThan(growthBytesMax);
  expect(minutes).toBeGreaterThan(((dayMs / 60_000) * polls) / 8640 - 5);
  for (const key of keys) {
    expect(lines.filter(({ fields }) => fields["environment"] === key).length).toBeLessThan(minutes);
  }
});
