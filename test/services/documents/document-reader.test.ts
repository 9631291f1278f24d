/** The reader: what a process reads is what is read here, its errors included, and no byte is lost. */
import { type ChildProcess, execFile } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { constants, getPriority } from "node:os";
import { promisify } from "node:util";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
import type { PackedDocument } from "../../../src/models/packed-document.ts";
import { DocumentReader } from "../../../src/services/documents/document-reader.ts";
import { BlockCollector, joinBlocks, type PageBlocks } from "../../../src/services/documents/page-blocks.ts";
import { readInProcess } from "../../../src/services/documents/reading-process.ts";

/** More than is read in this process. */
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

interface WatchedProcesses {
  started: number;
  /** So many at the same time, at most. */
  most: number;
  onStart(process: ChildProcess): void;
}

/** The processes that are started from now on. */
function watchProcesses(): WatchedProcesses {
  const watched = { started: 0, most: 0, onStart: (_: ChildProcess): void => undefined };
  let running = 0;
  const watch = (message: unknown): void => {
    const { process: child } = message as { process: ChildProcess };
    watched.started += 1;
    running += 1;
    watched.most = Math.max(watched.most, running);
    child.once("exit", () => {
      running -= 1;
    });
    // The channel tells of it before it runs.
    setImmediate(() => watched.onStart(child));
  };
  subscribe("child_process", watch);
  onTestFinished(() => void unsubscribe("child_process", watch));
  return watched;
}

const decompressors = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

/** All of a packed document but what depends on the padding: its digest, and where overrides stand. */
function contentOf(packed: PackedDocument | null) {
  if (packed === null) return null;
  const { shell, featureStates, segments, overrides, body, compressed } = packed;
  for (const each of compressed) {
    expect(Buffer.compare(decompressors[each.encoding](each.body), body)).toBe(0);
  }
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

test("a small document is read at once, a large one in a process of its own, to the same end", async () => {
  const processes = watchProcesses();
  const small = await new DocumentReader().read([pageOf(document), pageOf(secondPage)], null);
  expect(processes.started).toBe(0);
  const pages = [pageOf(document, largeBytes), pageOf(secondPage)];
  const large = await new DocumentReader().read(pages, null);
  expect(processes.started).toBe(1);
  expect(contentOf(large)).toEqual(contentOf(small));
  expect(contentOf(large)?.found).toHaveLength(4);
});

test("pages that are large only together are read in a process of their own", async () => {
  const processes = watchProcesses();
  const pages = [pageOf(document, 100_000), pageOf("{}", 100_000), pageOf(secondPage, 100_000)];
  const packed = await new DocumentReader().read(pages, null);
  expect(processes.started).toBe(1);
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

test.each(faultyPages)("the fault of %s crosses processes with code and message", async (_, pages) => {
  const processes = watchProcesses();
  const small = await faultOf(pages.map((page) => pageOf(page)));
  expect(processes.started).toBe(0);
  const large = await faultOf(pages.map((page) => pageOf(page, largeBytes)));
  expect(processes.started).toBe(1);
  expect([large.code, large.message]).toEqual([small.code, small.message]);
});

test("rules that are nested too deeply are a fault of the document, in a process too", async () => {
  const rules = `${'{"type":"ALL","rules":['.repeat(20_000)}${"]}".repeat(20_000)}`;
  const segments = `[{"id":1,"name":"s","rules":[${rules}]}]`;
  const text = `{"api_key":"k","feature_states":[],"project":{"segments":${segments}}}`;
  expect((await faultOf([pageOf(text)])).code).toBe("document_invalid");
});

test("compressed forms come with a document of any size, the smallest first", async () => {
  for (const bytes of [3000, largeBytes]) {
    const packed = await new DocumentReader().read([pageOf(document, bytes)], null);
    const sizes = packed?.compressed.map(({ body }) => body.byteLength) ?? [];
    expect(sizes).toHaveLength(3);
    expect(sizes).toEqual(sizes.toSorted((left, right) => left - right));
  }
});

test("the process has the lowest priority, and is gone when its document is there", async () => {
  const processes = watchProcesses();
  const priorities: number[] = [];
  const ended: (number | null)[] = [];
  processes.onStart = (child) => {
    priorities.push(getPriority(child.pid));
    child.once("exit", (code) => ended.push(code));
  };
  await new DocumentReader().read([pageOf(document, largeBytes)], null);
  expect(priorities).toEqual([constants.priority.PRIORITY_LOW]);
  expect(ended).toEqual([0]);
});

test("the blocks of a large document are given back as soon as they are sent", async () => {
  const pages = [pageOf(document, largeBytes)];
  await new DocumentReader().read(pages, null);
  expect(pages.flat().map(({ byteLength }) => byteLength)).toEqual(pages.flat().map(() => 0));
});

test.each([
  ["SIGKILL", "too_large"],
  ["SIGTERM", undefined],
] as const)("a process that %s ends is a failure, and the next document is read", async (signal, code) => {
  const processes = watchProcesses();
  processes.onStart = ({ pid }) => process.kill(pid ?? Number.NaN, signal);
  const reader = new DocumentReader();
  const failure = await reader.read([pageOf(document, largeBytes)], null).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  expect((failure as Partial<UpstreamError>).code).toBe(code);
  processes.onStart = () => undefined;
  expect(await reader.read([pageOf(document, largeBytes)], null)).not.toBeNull();
});

test("a process that takes too long is ended, and the document too_large", async () => {
  const reading = readInProcess([pageOf(document, largeBytes)], null, 1);
  await expect(reading).rejects.toMatchObject({
    code: "too_large",
    message: expect.stringMatching("too long"),
  });
});

test("a process that cannot be started is a failure, and the next document is read", async () => {
  const reader = new DocumentReader();
  const { execPath } = process;
  process.execPath = "/nowhere/node";
  const failing = reader.read([pageOf(document, largeBytes)], null);
  process.execPath = execPath;
  await expect(failing).rejects.toThrow("ENOENT");
  expect(await reader.read([pageOf(document, largeBytes)], null)).not.toBeNull();
});

test("large documents are read one at a time, and after a faulty one the next is read", async () => {
  const processes = watchProcesses();
  const reader = new DocumentReader();
  const outcomes = await Promise.allSettled([
    reader.read([pageOf(document, largeBytes)], null),
    reader.read([pageOf("[]", largeBytes)], null),
    reader.read([pageOf(document, largeBytes)], null),
    reader.read([pageOf(document)], null),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(processes).toMatchObject({ started: 3, most: 1 });
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
    const codes = await Promise.allSettled([read(900_000), read(5_000)]);
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
