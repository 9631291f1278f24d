/** Copies of strings that hold no other. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { ownCopy } from "../../src/engine/own-copy.ts";

it.each(["", "plain", "Zoë", "\u0100", "顧客", "😀", "\ud800", "a\u0000b"])("%j is itself again", (text) => {
  expect(ownCopy(text)).toBe(text);
});

it("a part does not keep the text that it was cut from", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const before = getHeapStatistics().used_heap_size;
  const kept = Array.from({ length: 100 }, (_, index) => {
    const body = Buffer.alloc(500_000, String(index)).toString("latin1");
    return ownCopy(body.slice(10, 40));
  });
  collect();
  expect(getHeapStatistics().used_heap_size - before).toBeLessThan(10_000_000);
  expect(kept).toHaveLength(100);
});
