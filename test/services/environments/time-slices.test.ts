/** Slices of long work: what else a process has to do gets its turn between them. */
import { mkdtempSync, rmSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runInSlices } from "../../../src/services/environments/time-slices.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A thousand slices of work, and more: what has not had its turn by then will have none. */
const patienceSteps = 20_000;

/** Work of one millisecond a step until `isDone`, or until patience ends. @returns how many steps it took */
function* workUntil(isDone: () => boolean, clock: FakeClock): Generator<undefined, number> {
  for (let steps = 1; steps <= patienceSteps; steps += 1) {
    clock.pass(1);
    if (isDone()) return steps;
    yield;
  }
  throw new Error("nothing else had its turn");
}

test("timers fire and files are read while work goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flag-edge-proxy-slices-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const clock = new FakeClock();
  const had = new Set<string>();
  setTimeout(() => had.add("timer"), 1);
  setImmediate(() => had.add("turn"));
  void stat(folder).then(() => had.add("file"));
  await runInSlices(
    workUntil(() => had.size === 3, clock),
    clock,
  );
  expect(had.size).toBe(3);
});

test("between two turns of others no more than some milliseconds of work are done", async () => {
  const clock = new FakeClock();
  let sinceTurnMs = 0;
  let longestMs = 0;
  let turns = 0;
  const takeTurn = (): void => {
    longestMs = Math.max(longestMs, sinceTurnMs);
    sinceTurnMs = 0;
    turns += 1;
    if (turns < 100) setImmediate(takeTurn);
  };
  setImmediate(takeTurn);
  const work = function* (): Generator<undefined, void> {
    while (turns < 100) {
      clock.pass(0.5);
      sinceTurnMs += 0.5;
      if (sinceTurnMs > 1000) throw new Error("nothing else had its turn");
      yield;
    }
  };
  await runInSlices(work(), clock);
  expect(longestMs).toBeLessThan(10);
  expect(longestMs).toBeGreaterThan(1);
});

test("after a step that took longer than a slice others have their turn at once", async () => {
  const clock = new FakeClock();
  const log: string[] = [];
  const work = function* (): Generator<undefined, void> {
    for (const step of ["one", "two", "three"]) {
      log.push(step);
      setImmediate(() => log.push("turn"));
      clock.pass(50);
      yield;
    }
  };
  await runInSlices(work(), clock);
  expect(log).toEqual(["one", "turn", "two", "turn", "three", "turn"]);
});

test("work that takes no time is done in one go", async () => {
  const clock = new FakeClock();
  let hadTurn = false;
  setImmediate(() => {
    hadTurn = true;
  });
  const work = function* (): Generator<undefined, boolean> {
    for (let step = 0; step < 10_000; step += 1) yield;
    return hadTurn;
  };
  expect(await runInSlices(work(), clock)).toBe(false);
});

test("two works at once take turns", async () => {
  const clock = new FakeClock();
  const log: string[] = [];
  const work = function* (name: string): Generator<undefined, string> {
    for (let step = 0; step < 5; step += 1) {
      clock.pass(20);
      log.push(name);
      yield;
    }
    return name;
  };
  const results = await Promise.all([runInSlices(work("a"), clock), runInSlices(work("b"), clock)]);
  expect(results).toEqual(["a", "b"]);
  expect(log.join("")).toBe("ababababab");
});

test.each([undefined, null, 0, "", false, { a: 1 }])("the result %j passes", async (result) => {
  const clock = new FakeClock();
  const work = function* (steps: number): Generator<undefined, unknown> {
    for (let step = 0; step < steps; step += 1) {
      clock.pass(3);
      yield;
    }
    return result;
  };
  for (const steps of [0, 1, 10]) expect(await runInSlices(work(steps), clock)).toBe(result);
});

test.each([0, 1, 10])("an error after %d steps passes as it is, and ends the work", async (steps) => {
  const clock = new FakeClock();
  const error = new RangeError("too deep");
  let stepsDone = 0;
  const work = function* (): Generator<undefined, void> {
    for (; stepsDone < steps; stepsDone += 1) {
      clock.pass(3);
      yield;
    }
    throw error;
  };
  await expect(runInSlices(work(), clock)).rejects.toBe(error);
  expect(stepsDone).toBe(steps);
});
