/** A document cut into messages and put together again, each message serialised as the channel does it. */
import { hash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import type { PackedDocument } from "../../../src/models/packed-document.ts";
import { DocumentAssembly, documentOrders } from "../../../src/services/workers/document-transfer.ts";
import type { WorkerOrder } from "../../../src/services/workers/worker-messages.ts";
import { packText } from "../../support/packed-text.ts";

/** Every buffer's name, kind, length and digest: two documents are the same where these are. */
function contentOf(packed: PackedDocument) {
  const { digest, body, shell, compressed, featureStates, segments, overrides } = packed;
  const encodings = compressed.map(({ encoding }) => encoding);
  const encoded = compressed.map((each) => each.body);
  const lists = { body: [body], shell: [shell], encoded, featureStates, segments };
  const words = Object.entries(overrides).map(([name, list]) => [name, [list as Uint32Array]] as const);
  const texts = [...Object.entries(lists), ...words].map(([name, buffers]) => {
    const each = buffers.map((view) => `${view.constructor.name} ${view.byteLength} ${hash("md5", view)}`);
    return [name, each];
  });
  return { digest, encodings, ...Object.fromEntries(texts) };
}

/** Messages of up to so many bytes are what the channel is meant to carry. */
const messageBytesMax = 300_000;

function inputOf(packed: PackedDocument, lastModified: string | null = null): SnapshotInput {
  return { packed, lastModified, receivedAt: new Date(1_713_428_180_678) };
}

/** All messages of a transfer, as the other process receives them. */
function received(input: SnapshotInput, transfer = 1, environment = 0): WorkerOrder[] {
  return [...documentOrders(transfer, environment, input)].map((order) => {
    const message = serialize(order);
    expect(message.byteLength).toBeLessThan(messageBytesMax);
    return deserialize(message) as WorkerOrder;
  });
}

/** Puts a transfer together; the document must be whole with the last message, and not before. */
function assembled(orders: readonly WorkerOrder[]): SnapshotInput {
  const [first, ...pieces] = orders;
  if (first?.kind !== "document") throw new Error("a transfer begins with its document");
  const assembly = new DocumentAssembly(first.document);
  for (const piece of pieces) {
    expect(assembly.finish()).toBeNull();
    if (piece.kind !== "piece") throw new Error(`a ${piece.kind} among the pieces`);
    assembly.add(piece.bytes);
  }
  const document = assembly.finish();
  if (document === null) throw new Error("the document is not whole");
  return document;
}

const state = (id: number) => ({
  feature: { id, name: `feature ${id}` },
  enabled: true,
  feature_state_value: "v".repeat(2000),
});
const rules = [{ type: "ALL", conditions: [{ operator: "IN", property_: "p", value: "日本".repeat(500) }] }];

function documentOf(features: number, segments: number, overrides: number): PackedDocument {
  return packText(
    JSON.stringify({
      api_key: "k",
      feature_states: Array.from({ length: features }, (_, id) => state(id)),
      project: {
        segments: Array.from({ length: segments }, (_, id) => ({ id, name: `segment ${id}`, rules })),
      },
      identity_overrides: Array.from({ length: overrides }, (_, id) => ({ identifier: `identity ${id}` })),
    }),
  );
}

test.each([
  ["without features, segments and overrides", 0, 0, 0],
  ["with features alone", 3, 0, 0],
  ["with segments alone", 0, 3, 0],
  ["with overrides alone", 0, 0, 3],
  ["of several pieces of each", 400, 400, 70_000],
])("a document %s arrives as it was sent", (_, features, segments, overrides) => {
  const input = inputOf(documentOf(features, segments, overrides), "Thu, 18 Apr 2024 09:36:20 GMT");
  const { packed, ...rest } = assembled(received(input));
  expect(contentOf(packed)).toEqual(contentOf(input.packed));
  expect(rest).toEqual({ lastModified: input.lastModified, receivedAt: input.receivedAt });
});

test("the environment and the transfer are named by each message", () => {
  const [first, ...pieces] = received(inputOf(documentOf(1, 1, 1)), 12, 7);
  expect(first).toMatchObject({ kind: "document", transfer: 12, document: { environment: 7 } });
  expect(pieces.length).toBeGreaterThan(1);
  for (const piece of pieces) expect(piece).toMatchObject({ kind: "piece", transfer: 12 });
});

test("a body that is a view of a larger buffer is sent without the rest of it", () => {
  const packed = documentOf(1, 1, 1);
  const larger = new Uint8Array(packed.body.byteLength + 1_000_000).fill(0x21);
  larger.set(packed.body, 3);
  const body = larger.subarray(3, 3 + packed.body.byteLength);
  const orders = received(inputOf({ ...packed, body }));
  expect(serialize(orders).byteLength).toBeLessThan(50_000);
  expect(contentOf(assembled(orders).packed)).toEqual(contentOf(packed));
});

/** Buffers of any size, those about a piece's among them, and empty ones in any place. */
const sizes = fc.oneof(
  fc.constantFrom(0, 0, 1, 65_536, 262_143, 262_144, 262_145, 524_288, 600_000),
  fc.nat(5000),
);
const pattern = Uint8Array.from({ length: 251 }, (_, index) => index);
const bytes = fc
  .tuple(sizes, fc.nat(250))
  .map(([length, from]) => new Uint8Array(Buffer.alloc(from + length, pattern).subarray(from)));
const words = bytes.map(({ buffer, byteLength }) => new Uint32Array(buffer, 0, Math.floor(byteLength / 4)));
const randomPacked: fc.Arbitrary<PackedDocument> = fc.record({
  digest: fc.string(),
  facts: fc.record({
    apiKey: fc.string(),
    environmentId: fc.option(fc.string()),
    features: fc.nat(),
    announcesChanges: fc.boolean(),
  }),
  body: bytes.filter(({ byteLength }) => byteLength > 0),
  shell: bytes,
  compressed: fc.array(fc.record({ encoding: fc.constantFrom("gzip", "br", "zstd"), body: bytes }), {
    maxLength: 3,
  }),
  featureStates: fc.array(bytes, { maxLength: 4 }),
  segments: fc.array(bytes, { maxLength: 4 }),
  overrides: fc.record({ bucketStarts: words, hashes: words, starts: words, ends: words }),
});

test("buffers of any size arrive byte by byte, empty ones included", () => {
  const check = (packed: PackedDocument): void => {
    expect(contentOf(assembled(received(inputOf(packed))).packed)).toEqual(contentOf(packed));
  };
  fc.assert(fc.property(randomPacked, check), { numRuns: 100 });
});

test("transfers that are interleaved on one channel do not mix", () => {
  const documents = [documentOf(300, 0, 0), documentOf(0, 300, 5000), documentOf(0, 0, 0)];
  const check = (choices: readonly number[]): void => {
    const left = documents.map((packed, index) => received(inputOf(packed), index));
    const assemblies = new Map<number, DocumentAssembly>();
    const turns = [...choices, ...left.flatMap((orders, index) => orders.map(() => index))];
    for (const turn of turns) {
      const order = left[turn]?.shift();
      if (order?.kind === "document") assemblies.set(order.transfer, new DocumentAssembly(order.document));
      if (order?.kind === "piece") assemblies.get(order.transfer)?.add(order.bytes);
    }
    const arrived = documents.map((_, index) => assemblies.get(index)?.finish()?.packed);
    expect(arrived.map((each) => each && contentOf(each))).toEqual(documents.map(contentOf));
  };
  fc.assert(fc.property(fc.array(fc.nat(2), { maxLength: 40 }), check), { numRuns: 20 });
});
