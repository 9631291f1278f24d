/** How a turn's time is counted, with a CPU and a loop of the test's own. */
import { expect, it } from "vitest";
import { TurnBudget } from "../../../src/services/listener/turn-budget.ts";

/** @returns runs one turn with so many requests that take so long each, and says how many had time */
function createLoop(budgetMs: number) {
  let cpuMs = 1000;
  const ends: (() => void)[] = [];
  const loop = { cpuMs: () => cpuMs, afterTurn: (run: () => void) => ends.push(run) };
  const { hasTime } = new TurnBudget(budgetMs, loop);
  return (requests: number, msEach: number): number => {
    let served = 0;
    for (let request = 0; request < requests; request += 1) {
      if (!hasTime()) continue;
      served += 1;
      cpuMs += msEach;
    }
    expect(ends).toHaveLength(budgetMs === 0 ? 0 : 1);
    for (const end of ends.splice(0)) end();
    return served;
  };
}

it("short turns serve all, however many there are", () => {
  const turn = createLoop(10);
  for (let count = 0; count < 5; count += 1) expect(turn(90, 0.1)).toBe(90);
});

it("the first turn that is too long serves all, those after it no more than their time", () => {
  const turn = createLoop(10);
  expect([turn(100, 0.5), turn(100, 0.5), turn(100, 0.5)]).toEqual([100, 25, 25]);
});

it("a turn that is short again is the end of it", () => {
  const turn = createLoop(10);
  turn(100, 0.5);
  expect([turn(20, 0.5), turn(100, 0.5)]).toEqual([20, 100]);
});

it("a few are served in each turn, however slow they are", () => {
  const turn = createLoop(10);
  expect([turn(30, 20), turn(30, 20), turn(4, 20), turn(30, 20)]).toEqual([30, 5, 4, 30]);
});

it("no budget is no limit", () => {
  const turn = createLoop(0);
  expect([turn(100, 100), turn(100, 100)]).toEqual([100, 100]);
});

it("the time of this thread is CPU time: waiting is none of it", async () => {
  const { hasTime } = new TurnBudget(20);
  for (let turn = 0; turn < 2; turn += 1) {
    for (let request = 0; request < 20; request += 1) expect(hasTime()).toBe(true);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    expect(hasTime()).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
  }
});
