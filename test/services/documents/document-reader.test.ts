/** The reader: what a thread reads is what is read at once, its errors included, and no byte is lost. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Worker } from "node:worker_threads";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
import type { PackedDocument } from "../../../src/models/packed-document.ts";
import { DocumentReader } from "../../../src/services/documents/document-reader.ts";
import { BlockCollector, joinBlocks, type PageBlocks } from "../../../src/services/documents/page-blocks.ts";

/** More than is read at once. */
const largeBytes = 300_000;

const document = `{"id":7.0,"api_key":"k","name":"日本 \\ud800","feature_states":[
  {"feature":{"id":1,"name":"f"},"enabled":true,"feature_state_value":1.0}
],"project":{"segments":[{"id":1,"name":"s","rules":[]}]},
"identity_overrides":[{"identifier":"a"},{"identifier":"b"},{"identifier":"a"}]}`;
const secondPage = '{"identity_overrides":[{"identifier":"c"}]}';

/** A page in blocks of their own, with so much white space before it. */
function pageOf(text: string | Uint8Array, padding = 0): PageBlocks {
  const collector = new BlockCollector();
  collector.add(Buffer.alloc(padding, " "));
  collector.add(typeof text === "string" ? Buffer.from(text) : text);
  return collector.finish();
}

/** How many threads read at the same time, at most, from now on. */
function watchThreads(): { started: number; most: number } {
  const watched = { started: 0, most: 0 };
  let reading = 0;
  const watch = (thread: Worker): void => {
    watched.started += 1;
    reading += 1;
    watched.most = Math.max(watched.most, reading);
    let hasEnded = false;
    const end = (): void => {
      if (!hasEnded) reading -= 1;
      hasEnded = true;
    };
    thread.once("message", end).once("exit", end);
  };
  process.on("worker", watch);
  onTestFinished(() => void process.off("worker", watch));
  return watched;
}

/** All of a packed document but what depends on the padding: its digest, and where overrides stand. */
function contentOf(packed: PackedDocument | null) {
  if (packed === null) return null;
  const { shell, featureStates, segments, overrides, body } = packed;
  const texts = [shell, ...featureStates, ...segments].map((bytes) => Buffer.from(bytes).toString());
  const { bucketStarts, hashes, starts, ends } = overrides;
  const found = [...starts].map((start, entry) => Buffer.from(body).toString("utf8", start, ends[entry]));
  return { texts, bucketStarts, hashes, found, text: Buffer.from(body).toString().trim() };
}

async function faultOf(pages: readonly PageBlocks[]): Promise<UpstreamError> {
  const outcome = await new DocumentReader().read(pages, null).catch((error: unknown) => error);
  if (outcome instanceof UpstreamError) return outcome;
  throw new Error("it was not refused", { cause: outcome });
}

test("a small document is read without a thread, a large one in a thread, to the same end", async () => {
  const threads = watchThreads();
  const small = await new DocumentReader().read([pageOf(document), pageOf(secondPage)], null);
  expect(threads.started).toBe(0);
  const pages = [pageOf(document, largeBytes), pageOf(secondPage)];
  const large = await new DocumentReader().read(pages, null);
  expect(threads.started).toBe(1);
  expect(contentOf(large)).toEqual(contentOf(small));
  expect(contentOf(large)?.found).toHaveLength(4);
});

test("pages that are large only together are read in a thread", async () => {
  const threads = watchThreads();
  const pages = [pageOf(document, 100_000), pageOf("{}", 100_000), pageOf(secondPage, 100_000)];
  const packed = await new DocumentReader().read(pages, null);
  expect(threads.started).toBe(1);
  expect(contentOf(packed)?.found).toHaveLength(4);
});

test("a body of many blocks, a byte order mark before it, comes back whole", async () => {
  const overrides = Array.from({ length: 60_000 }, (_, index) => `{"identifier":"identity ${index}"}`);
  const list = `"identity_overrides":[${overrides.join(",")}]`;
  const text = `{"api_key":"k","feature_states":[],"project":{},${list}}`;
  const packed = await new DocumentReader().read([pageOf(`\uFEFF${text}`)], null);
  expect(Buffer.compare(packed?.body ?? new Uint8Array(), Buffer.from(text))).toBe(0);
  expect(packed?.overrides.starts).toHaveLength(60_000);
});

test.each([0, largeBytes])(
  "the document that is held is recognised, with %d bytes before it",
  async (bytes) => {
    const reader = new DocumentReader();
    const first = await reader.read([pageOf(document, bytes)], null);
    const digest = first?.digest ?? "";
    expect(await reader.read([pageOf(document, bytes)], digest)).toBeNull();
    expect(await reader.read([pageOf(document, bytes + 1)], digest)).not.toBeNull();
    expect((await reader.read([pageOf(document, bytes)], digest.toUpperCase()))?.digest).toBe(digest);
  },
);

const faultyPages: readonly (readonly [string, readonly (string | Uint8Array)[]])[] = [
  ["not UTF-8", [Buffer.from('{"name":"é"}', "latin1")]],
  ["no object", ["[]"]],
  ["no JSON", ['{"api_key":}']],
  ["no JSON on its second page", [document, '{"identity_overrides":[']],
  ["overrides that are no list", [document, '{"identity_overrides":7}']],
  ["a document without features", ['{"api_key":"k","project":{}}']],
  ["a faulty override", [document.replace('{"identifier":"b"}', '{"identifier":7}')]],
  ["rules that are nested too deeply", [`{"x":1.0,"y":${"[".repeat(20_000)}${"]".repeat(20_000)}}`]],
];

test.each(faultyPages)("the fault of %s crosses the thread with code and message", async (_, pages) => {
  const threads = watchThreads();
  const small = await faultOf(pages.map((page) => pageOf(page)));
  expect(threads.started).toBe(0);
  const large = await faultOf(pages.map((page) => pageOf(page, largeBytes)));
  expect(threads.started).toBe(1);
  expect([large.code, large.message]).toEqual([small.code, small.message]);
});

test("rules that are nested too deeply are a fault of the document, in a thread too", async () => {
  const rules = `${'{"type":"ALL","rules":['.repeat(20_000)}${"]}".repeat(20_000)}`;
  const segments = `[{"id":1,"name":"s","rules":[${rules}]}]`;
  const text = `{"api_key":"k","feature_states":[],"project":{"segments":${segments}}}`;
  expect((await faultOf([pageOf(text)])).code).toBe("document_invalid");
});

test("large documents are read one at a time, and after a faulty one the next is read", async () => {
  const threads = watchThreads();
  const reader = new DocumentReader();
  const outcomes = await Promise.allSettled([
    reader.read([pageOf(document, largeBytes)], null),
    reader.read([pageOf("[]", largeBytes)], null),
    reader.read([pageOf(document, largeBytes)], null),
    reader.read([pageOf(document)], null),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(threads).toEqual({ started: 3, most: 1 });
});

test("a document that needs more memory than there is is too_large, and the process goes on", async () => {
  const module = (name: string) => JSON.stringify(new URL(`../../../src/${name}`, import.meta.url).href);
  const script = `
    import { DocumentReader } from ${module("services/documents/document-reader.ts")};
    const state = '{"feature":{"id":1,"name":"a feature"},"enabled":true,"feature_state_value":1}';
    // Outside the heap, which the reading alone is to fill.
    const read = async (states) => {
      const list = Buffer.alloc(states * (state.length + 1), state + ",");
      const head = Buffer.from('{"api_key":"k","project":{},"feature_states":[');
      const parts = [head, list, Buffer.from(state + "]}")];
      return await new DocumentReader().read([parts.map((part) => new Uint8Array(part))], null);
    };
    const codes = await Promise.allSettled([read(300_000), read(5_000)]);
    process.stdout.write(codes.map(({ status, reason }) => reason?.code ?? status).join());
  `;
  const words = ["--max-old-space-size=32", "--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  expect(stdout).toBe("too_large,fulfilled");
});

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
