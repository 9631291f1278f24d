/** Errors that nobody catches (reliability 2.7, C7): that process ends, and what it logged is not lost. */
import { expect, it } from "vitest";
import { type ConfigTree, eventually } from "../support/running-proxy.ts";
import {
  askFresh,
  isRunning,
  linesWith,
  startWorkers,
  successorOf,
  withFaults,
} from "../support/worker-processes.ts";

const logging: ConfigTree = { log_format: "json", enable_access_log: true };

it.each(["a rejection", "an exception"])(
  "C7 %s that nobody handles ends that worker alone, after its log is written",
  async (INJECTED_FAULT) => {
    const environment = { ...withFaults, INJECTED_FAULT };
    await using running = await startWorkers({ environment, config: { logging } });
    const pids = running.pids();
    const [victim = 0, survivor] = pids;
    await askFresh(running.port, "/last-words", { count: 12 });
    process.kill(victim, "SIGUSR2");
    await successorOf(running, pids);
    expect(running.pids()).toContain(survivor);
    expect(linesWith(running, "An error that nobody caught: the worker ends")).toEqual([
      expect.stringContaining("injected fault"),
    ]);
    // With an access log lines are gathered: those of the one that ended are there all the same.
    await eventually(() => linesWith(running, "/last-words").length === 12);
    await eventually(() => linesWith(running, "another takes its place").length > 0);
    expect(linesWith(running, "another takes its place")).toEqual([
      expect.stringContaining('"end":"with exit code 1"'),
    ]);
  },
);

it.each([
  ["a rejection", 1],
  ["an exception", 1],
  ["a rejection", 2],
  ["an exception", 2],
])("C7 %s that nobody handles ends the program of %d workers with exit code 1", async (kind, workers) => {
  const environment = { ...withFaults, INJECTED_FAULT: kind };
  const config = { logging, server: { workers } };
  await using running = await startWorkers({ environment, config });
  const pids = running.pids();
  expect(pids).toHaveLength(workers === 1 ? 0 : 2);
  await askFresh(running.port, "/last-words", { count: 1 });
  running.proxy.kill("SIGUSR2");
  expect(await running.proxy.exit).toEqual({ code: 1, signal: null });
  expect(linesWith(running, "An error that nobody caught: the process ends")).toEqual([
    expect.stringContaining("injected fault"),
  ]);
  if (workers === 1) expect(linesWith(running, "/last-words")).toHaveLength(1);
  await eventually(() => !pids.some(isRunning));
});
