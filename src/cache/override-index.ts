/**
 * Finds the identity overrides of one identifier in the bytes of a document: an override that nobody asks for
 * stays bytes. The index is built when a document is packed, and its look-up costs the same however many
 * there are. What an override does is the engine's.
 */
import type { OverrideFinder } from "../engine/identity-overrides.ts";
import type { IdentityOverrideModel } from "../models/environment-document.ts";
import { parseJson } from "../models/json.ts";
import type { OverrideIndex, PackedDocument } from "../models/packed-document.ts";

/** One identity override: whose it is, and where its JSON object stands in the body. */
export interface OverridePlace {
  readonly identifier: string;
  readonly start: number;
  readonly end: number;
}

const none: readonly IdentityOverrideModel[] = [];

/** @param places in document order */
export function buildOverrideIndex(places: readonly OverridePlace[]): OverrideIndex {
  const count = places.length;
  const buckets = bucketsFor(count);
  const placeHashes = Uint32Array.from(places, ({ identifier }) => hashIdentifier(identifier));
  const bucketStarts = new Uint32Array(buckets + 1);
  for (const hash of placeHashes) bucketStarts[(hash & (buckets - 1)) + 1]! += 1;
  for (let bucket = 0; bucket < buckets; bucket += 1) bucketStarts[bucket + 1]! += bucketStarts[bucket]!;
  const next = bucketStarts.slice();
  const hashes = new Uint32Array(count);
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  for (const [index, { start, end }] of places.entries()) {
    const hash = placeHashes[index] as number;
    const bucket = hash & (buckets - 1);
    const entry = next[bucket] as number;
    next[bucket] = entry + 1;
    hashes[entry] = hash;
    starts[entry] = start;
    ends[entry] = end;
  }
  return { bucketStarts, hashes, starts, ends };
}

/** Twice as many as entries or more, so that most identifiers without an override meet an empty one. */
function bucketsFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count * 2)));
}

/** FNV-1a over UTF-16 code units, its bits mixed once more, since buckets take the lowest alone. */
function hashIdentifier(identifier: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < identifier.length; index += 1) {
    hash = Math.imul(hash ^ identifier.charCodeAt(index), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** @returns finds the overrides of an identifier, in document order; an empty list where it has none */
export function overrideFinder({
  body,
  overrides: index,
}: Pick<PackedDocument, "body" | "overrides">): OverrideFinder {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const { bucketStarts, hashes, starts, ends } = index;
  const bucketMask = bucketStarts.length - 2;
  return (identifier) => {
    const hash = hashIdentifier(identifier);
    const bucket = hash & bucketMask;
    const end = bucketStarts[bucket + 1] as number;
    let found = none;
    for (let entry = bucketStarts[bucket] as number; entry < end; entry += 1) {
      if (hashes[entry] !== hash) continue;
      const text = bytes.toString("utf8", starts[entry], ends[entry]);
      // Checked when it was packed; a schema would cost each worker its library, 8 MiB.
      const override = parseJson(text) as IdentityOverrideModel;
      if (override.identifier === identifier) found = [...found, override];
    }
    return found;
  };
}
