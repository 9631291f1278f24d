// Builds the position automaton (Glushkov) of a tree in analysed form: one state per character set, so that
// a path through it is a way to read a text. It judges nothing.

import { classesOf, intervalsIn } from "./code-point-classes.ts";
import type { RegexNode, RepeatNode, SetNode } from "./regex-node.ts";

/** States are numbered from 0; each is entered by a character of its own set. */
export type PositionAutomaton = {
  /** The classes of characters that enter each state, one bit per class. */
  readonly masks: readonly bigint[];
  /** The states that may follow each state, and in how many ways; 2 stands for any more. */
  readonly followers: readonly ReadonlyMap<number, number>[];
};

/** States with the number of ways to each. */
type Ways = ReadonlyMap<number, number>;
/** The first and last states of a part, and the ways to read nothing. */
type Part = { readonly first: Ways; readonly last: Ways; readonly empty: number };

const waysMax = 2;
const nothing: Part = { first: new Map(), last: new Map(), empty: 1 };

/** The automaton of `node`, which must be in the form that `backtrackingForm` gives. */
export function positionAutomaton(node: RegexNode): PositionAutomaton {
  const builder = new AutomatonBuilder();
  builder.add(node);
  const sets = builder.states.map((state) => state.set);
  const { starts, classIds } = classesOf(sets);
  const masks = sets.map((set) =>
    intervalsIn(starts, set).reduce((mask, at) => mask | (1n << BigInt(classIds[at]!)), 0n),
  );
  return { masks, followers: builder.followers };
}

class AutomatonBuilder {
  readonly states: SetNode[] = [];
  readonly followers: Map<number, number>[] = [];

  add(node: RegexNode): Part {
    switch (node.kind) {
      case "set": {
        const state = this.states.push(node) - 1;
        this.followers.push(new Map());
        return { first: new Map([[state, 1]]), last: new Map([[state, 1]]), empty: 0 };
      }
      case "sequence":
        return this.#addSequence(node.items);
      case "choice":
        return node.options
          .map((option) => this.add(option))
          .reduce((all, option) => ({
            first: sumOf(all.first, option.first, 1),
            last: sumOf(all.last, option.last, 1),
            empty: capped(all.empty + option.empty),
          }));
      case "repeat":
        return node.min === node.max
          ? this.#addSequence(Array.from({ length: node.max }, () => node.body))
          : this.#addLoop(node);
      default:
        throw new TypeError(`${node.kind} has no place in an analysed form`);
    }
  }

  #addSequence(items: readonly RegexNode[]): Part {
    return items.reduce((before, item) => {
      const part = this.add(item);
      this.#connect(before.last, part.first);
      return {
        first: sumOf(before.first, part.first, before.empty),
        last: sumOf(part.last, before.last, part.empty),
        empty: capped(before.empty * part.empty),
      };
    }, nothing);
  }

  /** A round that reads nothing fails, but for the first one if there must be one: it is one more way in. */
  #addLoop({ body, min, max }: RepeatNode): Part {
    const { first, last, empty } = this.add(body);
    if (max === Infinity) {
      this.#connect(last, first);
    }
    return min === 0 ? { first, last, empty: 1 } : { first: sumOf(first, first, empty), last, empty };
  }

  #connect(from: Ways, to: Ways): void {
    for (const [state, waysOut] of from) {
      const followers = this.followers[state]!;
      for (const [follower, waysIn] of to) {
        followers.set(follower, capped((followers.get(follower) ?? 0) + waysOut * waysIn));
      }
    }
  }
}

/** `ways`, and `more` taken `times` times. */
function sumOf(ways: Ways, more: Ways, times: number): Ways {
  if (times === 0) {
    return ways;
  }
  const sum = new Map(ways);
  for (const [state, count] of more) {
    sum.set(state, capped((sum.get(state) ?? 0) + count * times));
  }
  return sum;
}

function capped(ways: number): number {
  return Math.min(ways, waysMax);
}
