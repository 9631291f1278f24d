/** The end of workers is complete once all they had to say was taken. */
import type { ChildProcess } from "node:child_process";
import { expect, it } from "vitest";
import { WorkerChannel } from "../../../src/services/workers/worker-channel.ts";
import { drainWorkers } from "../../../src/services/workers/worker-drain.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { FakeProcess } from "../../support/fake-worker-process.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

function startDrain() {
  const worker = new FakeProcess();
  const notices: unknown[] = [];
  const channel = new WorkerChannel(worker as unknown as ChildProcess, (notice) => notices.push(notice));
  const clock = new FakeClock();
  const state = { isOver: false, noticesAtEnd: 0 };
  const drained = drainWorkers({
    settings: { drainDelayMs: 0, drainTimeoutMs: 1000 },
    channels: new Set([channel]),
    ended: channel.exited,
    rush: new AbortController().signal,
    clock,
    logger: createRecordingLogger().logger,
  }).then(() => Object.assign(state, { isOver: true, noticesAtEnd: notices.length }));
  return { worker, clock, state, drained };
}

it("waits for the words that come behind the end of the process", async () => {
  const { worker, state, drained } = startDrain();
  worker.emit("exit", 0, null);
  await settle();
  expect(state.isOver).toBe(false);
  await worker.report({ kind: "notice", notice: { kind: "usage", rows: [] } });
  worker.emit("disconnect");
  await drained;
  expect(state.noticesAtEnd).toBe(1);
});

it("waits for them no longer than a while", async () => {
  const { worker, clock, state, drained } = startDrain();
  worker.emit("exit", 0, null);
  await clock.advance(5000);
  await drained;
  expect(state.isOver).toBe(true);
});
