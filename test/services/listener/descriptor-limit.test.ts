/** How many connections a limit of descriptors lets a process hold. */
import { expect, it } from "vitest";
import { connectionsWithin } from "../../../src/services/listener/descriptor-limit.ts";

const limitsOf = (soft: number | string) =>
  `Limit                     Soft Limit           Hard Limit           Units     \n` +
  `Max processes             96473                96473                processes \n` +
  `Max open files            ${soft}                 524288               files     \n`;

it.each([
  [20_000, 19_872],
  [1024, 896],
  [256, 128],
  [80, 40],
  [1, 1],
  ["unlimited", Number.POSITIVE_INFINITY],
])("of %s descriptors, %d may be connections", (soft, connections) => {
  expect(connectionsWithin(limitsOf(soft))).toBe(connections);
});

it("where the system tells no limit, there is none", () => {
  expect(connectionsWithin(null)).toBe(Number.POSITIVE_INFINITY);
});
