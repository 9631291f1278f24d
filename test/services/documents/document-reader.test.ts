/** The reader: what a process reads is what is read here, its errors included, and no byte is lost. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import type { UpstreamError } from "../../../src/models/errors.ts";
import type { PackedDocument } from "../../../src/models/packed-document.ts";
import type { PageBlocks } from "../../../src/services/documents/page-blocks.ts";
import {
  createReader,
  twoOverrides as document,
  largeBytes,
  pageOf,
  refusalOf,
  watchProcesses,
} from "../../support/reader-rig.ts";

const secondPage = '{"identity_overrides":[{"identifier":"c"}]}';

const decompressors = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

/** All of a packed document but what depends on the padding: its digest, and where overrides stand. */
function contentOf(packed: PackedDocument) {
  const { shell, featureStates, segments, overrides, body, compressed } = packed;
  for (const each of compressed) {
    expect(Buffer.compare(decompressors[each.encoding](each.body), body)).toBe(0);
  }
  const texts = [shell, ...featureStates, ...segments].map((bytes) => Buffer.from(bytes).toString());
  const { bucketStarts, hashes, starts, ends } = overrides;
  const found = [...starts].map((start, entry) => Buffer.from(body).toString("utf8", start, ends[entry]));
  return { texts, bucketStarts, hashes, found, text: Buffer.from(body).toString().trim() };
}

const faultOf = (pages: readonly PageBlocks[]): Promise<UpstreamError> =>
  refusalOf(createReader().read(pages));

test("a small document is read at once, a large one in a process of its own, to the same end", async () => {
  const processes = watchProcesses();
  const small = await createReader().read([pageOf(document), pageOf(secondPage)]);
  expect(processes.started).toBe(0);
  const pages = [pageOf(document, largeBytes), pageOf(secondPage)];
  const large = await createReader().read(pages);
  expect(processes.started).toBe(1);
  expect(contentOf(large)).toEqual(contentOf(small));
  expect(contentOf(large).found).toHaveLength(4);
});

test("pages that are large only together are read in a process of their own", async () => {
  const processes = watchProcesses();
  const pages = [pageOf(document, 100_000), pageOf("{}", 100_000), pageOf(secondPage, 100_000)];
  const packed = await createReader().read(pages);
  expect(processes.started).toBe(1);
  expect(contentOf(packed).found).toHaveLength(4);
});

test("a body of many blocks, a byte order mark before it, comes back whole", async () => {
  const overrides = Array.from({ length: 60_000 }, (_, index) => `{"identifier":"identity ${index}"}`);
  const list = `"identity_overrides":[${overrides.join(",")}]`;
  const text = `{"api_key":"k","feature_states":[],"project":{},${list}}`;
  const packed = await createReader().read([pageOf(`\uFEFF${text}`)]);
  expect(Buffer.compare(packed.body, Buffer.from(text))).toBe(0);
  expect(packed.overrides.starts).toHaveLength(60_000);
});

const faultyPages: readonly (readonly [string, readonly (string | Uint8Array)[]])[] = [
  ["not UTF-8", [Buffer.from('{"name":"é"}', "latin1")]],
  ["no object", ["[]"]],
  ["no JSON", ['{"api_key":}']],
  ["no JSON on its second page", [document, '{"identity_overrides":[']],
  ["no JSON on its first page", [document.slice(0, -1), secondPage]],
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
    const packed = await createReader().read([pageOf(document, bytes)]);
    const sizes = packed.compressed.map(({ body }) => body.byteLength);
    expect(sizes).toHaveLength(3);
    expect(sizes).toEqual(sizes.toSorted((left, right) => left - right));
  }
});
