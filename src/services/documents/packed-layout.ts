/**
 * A packed document as bytes in a row, for pipes and messages: which buffers it has, in which order they
 * travel, and how they become a document again. It does not know how they travel.
 */
import type { ContentEncoding, DocumentFacts, PackedDocument } from "../../models/packed-document.ts";

/** The form of packed documents: a change of what the buffers hold is a new one. */
export const packingForm = 1;

/** All of a packed document but its bytes: plain values. */
export interface PackedLayout {
  readonly digest: string;
  readonly facts: DocumentFacts;
  /** How many bytes each of the document's buffers has, in the order of `packedBuffers`. */
  readonly bufferBytes: readonly number[];
  readonly encodings: readonly ContentEncoding[];
  /** How many of the buffers are lists of feature states; segments follow them. */
  readonly featureStatePieces: number;
}

/** All buffers of a document, in the order in which they travel. */
export function packedBuffers(packed: PackedDocument): readonly (Uint8Array | Uint32Array)[] {
  const { body, shell, compressed, featureStates, segments, overrides } = packed;
  const { bucketStarts, hashes, starts, ends } = overrides;
  const encoded = compressed.map((each) => each.body);
  return [body, shell, bucketStarts, hashes, starts, ends, ...encoded, ...featureStates, ...segments];
}

/** What `PackedAssembly` has to know before the buffers' bytes. */
export function packedLayout(packed: PackedDocument): PackedLayout {
  return {
    digest: packed.digest,
    facts: packed.facts,
    bufferBytes: packedBuffers(packed).map(({ byteLength }) => byteLength),
    encodings: packed.compressed.map(({ encoding }) => encoding),
    featureStatePieces: packed.featureStates.length,
  };
}

/** Puts one document together from the bytes of its buffers. */
export class PackedAssembly {
  readonly #layout: PackedLayout;
  readonly #buffers: readonly Uint8Array<ArrayBuffer>[];
  #buffer = 0;
  #filled = 0;

  constructor(layout: PackedLayout) {
    this.#layout = layout;
    this.#buffers = layout.bufferBytes.map((bytes) => new Uint8Array(bytes));
  }

  /** @param bytes the next ones, however they are cut; they are copied */
  add(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.byteLength; ) {
      const buffer = this.#buffers[this.#buffer];
      if (buffer === undefined) throw new RangeError("more bytes came than the document has");
      const part = bytes.subarray(from, from + buffer.byteLength - this.#filled);
      buffer.set(part, this.#filled);
      from += part.byteLength;
      this.#filled += part.byteLength;
      this.#skipFilled();
    }
  }

  /** @returns the document once all of its bytes came, else null */
  finish(): PackedDocument | null {
    this.#skipFilled();
    if (this.#buffer < this.#buffers.length) return null;
    const { digest, facts, encodings, featureStatePieces } = this.#layout;
    const [body, shell, bucketStarts, hashes, starts, ends, ...others] = this.#buffers;
    const empty = new Uint8Array();
    const lists = others.slice(encodings.length);
    return {
      digest,
      facts,
      body: body ?? empty,
      shell: shell ?? empty,
      compressed: encodings.map((encoding, index) => ({ encoding, body: others[index] ?? empty })),
      featureStates: lists.slice(0, featureStatePieces),
      segments: lists.slice(featureStatePieces),
      overrides: {
        bucketStarts: words(bucketStarts),
        hashes: words(hashes),
        starts: words(starts),
        ends: words(ends),
      },
    };
  }

  #skipFilled(): void {
    while (this.#filled === this.#buffers[this.#buffer]?.byteLength) {
      this.#buffer += 1;
      this.#filled = 0;
    }
  }
}

function words(bytes: Uint8Array<ArrayBuffer> | undefined): Uint32Array<ArrayBuffer> {
  return new Uint32Array(bytes?.buffer ?? new ArrayBuffer(0));
}
