/** How a turn's time is counted, on a clock and a loop of the test's own. */
import { expect, it } from "vitest";
import { TurnBudget } from "../../../src/services/listener/turn-budget.ts";

function createBudget(budgetMs: number) {
  let nowMs = 1000;
  const ends: (() => void)[] = [];
  const { hasTime } = new TurnBudget(budgetMs, { monotonicMs: () => nowMs }, (run) => ends.push(run));
  return {
    /** One turn with so many requests, each of which takes so long. @returns how many had time */
    turn(requests: number, msEach: number): number {
      let served = 0;
      for (let request = 0; request < requests; request += 1) {
        if (!hasTime()) continue;
        served += 1;
        nowMs += msEach;
      }
      expect(ends).toHaveLength(budgetMs === 0 ? 0 : 1);
      for (const end of ends.splice(0)) end();
      return served;
    },
    idle(ms: number) {
      nowMs += ms;
    },
  };
}

it("short turns serve all, however many there are", () => {
  const loop = createBudget(10);
  for (let turn = 0; turn < 5; turn += 1) expect(loop.turn(90, 0.1)).toBe(90);
});

it("the first turn that is too long serves all, those after it no more than their time", () => {
  const loop = createBudget(10);
  expect([loop.turn(100, 0.5), loop.turn(100, 0.5), loop.turn(100, 0.5)]).toEqual([100, 21, 21]);
});

it("a turn that is short again is the end of it, and so is a pause", () => {
  const loop = createBudget(10);
  loop.turn(100, 0.5);
  expect([loop.turn(5, 0.5), loop.turn(100, 0.5)]).toEqual([5, 100]);
  loop.idle(11);
  expect(loop.turn(100, 0.5)).toBe(100);
});

it("a few are served in each turn, however slow they are", () => {
  const loop = createBudget(10);
  expect([loop.turn(30, 20), loop.turn(30, 20)]).toEqual([30, 16]);
});

it("no budget is no limit", () => {
  const loop = createBudget(0);
  expect([loop.turn(100, 100), loop.turn(100, 100)]).toEqual([100, 100]);
});
