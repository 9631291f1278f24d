/** Blocks: they lose no byte, and share no memory. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BlockCollector, joinBlocks } from "../../../src/services/documents/page-blocks.ts";

test("blocks keep the bytes of any chunks, and nothing of the chunks' own memory", () => {
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.nat(200_000).map((length) => Uint8Array.from({ length }, (_, index) => index % 251)),
  );
  const check = (chunks: readonly Uint8Array[]): void => {
    const wanted = Buffer.concat(chunks);
    const collector = new BlockCollector();
    const socketMemory = new Uint8Array(200_001);
    for (const each of chunks) {
      socketMemory.set(each);
      collector.add(socketMemory.subarray(0, each.byteLength));
      socketMemory.fill(0);
    }
    const blocks = collector.finish();
    const whole = joinBlocks(blocks);
    expect(whole.byteLength).toBe(wanted.byteLength);
    expect(Buffer.compare(whole, wanted)).toBe(0);
    for (const { buffer, byteLength } of blocks) {
      expect(byteLength).toBe(buffer.byteLength);
      expect(byteLength).toBeGreaterThan(0);
    }
    expect(new Set(blocks.map(({ buffer }) => buffer)).size).toBe(blocks.length);
  };
  fc.assert(fc.property(fc.array(chunk, { maxLength: 12 }), check), { numRuns: 60 });
});

test("a chunk of many blocks is cut into blocks of a megabyte at most", () => {
  const bytes = Uint8Array.from({ length: 5_000_000 }, (_, index) => index % 253);
  const collector = new BlockCollector();
  collector.add(bytes);
  const blocks = collector.finish();
  expect(Math.max(...blocks.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(1_048_576);
  expect(blocks.length).toBeLessThan(12);
  expect(Buffer.compare(joinBlocks(blocks), bytes)).toBe(0);
});
