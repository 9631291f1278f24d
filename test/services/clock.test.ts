/** Waits as the services ask for them: what is left of a time may be less than none. */
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/services/clock.ts";

it("a wait of less than no time is over at once, without a warning of Node's", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on("warning", onWarning);
  onTestFinished(() => void process.off("warning", onWarning));
  await systemClock.sleep(-1000, new AbortController().signal);
  // Warnings come a turn later.
  await new Promise(setImmediate);
  expect(warnings).toEqual([]);
});

it("a wait ends with its signal, also one that has aborted before", async () => {
  const end = new AbortController();
  const waiting = systemClock.sleep(3_600_000, end.signal);
  end.abort();
  await waiting;
  await systemClock.sleep(3_600_000, end.signal);
});
