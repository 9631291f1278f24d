/**
 * Sends a packed document to another process in small messages, and puts it together there: receiving 50 MiB
 * at once would hold up a worker's requests. It does not know how messages travel.
 */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { PackedDocument } from "../../models/packed-document.ts";
import type { TransferredDocument, WorkerOrder } from "./worker-messages.ts";

/** A message of this size is received within a millisecond. */
const pieceBytes = 262_144;

/** All buffers of a document, in the order in which they travel. */
function packedBuffers(packed: PackedDocument): readonly (Uint8Array | Uint32Array)[] {
  const { body, shell, featureStates, segments, overrides } = packed;
  const { bucketStarts, hashes, starts, ends } = overrides;
  return [body, shell, bucketStarts, hashes, starts, ends, ...featureStates, ...segments];
}

/**
 * @param transfer names this transfer on its channel
 * @returns the messages, to be sent in this order
 */
export function* documentOrders(
  transfer: number,
  environment: number,
  { packed, lastModified, receivedAt }: SnapshotInput,
): Generator<WorkerOrder> {
  const buffers = packedBuffers(packed);
  const document: TransferredDocument = {
    environment,
    digest: packed.digest,
    lastModified,
    receivedAt,
    bufferBytes: buffers.map(({ byteLength }) => byteLength),
    featureStatePieces: packed.featureStates.length,
  };
  yield { kind: "document", transfer, document };
  for (const { buffer, byteOffset, byteLength } of buffers) {
    for (let at = 0; at < byteLength; at += pieceBytes) {
      const bytes = new Uint8Array(buffer, byteOffset + at, Math.min(pieceBytes, byteLength - at));
      yield { kind: "piece", transfer, bytes };
    }
  }
}

/** Puts one document together from its pieces. */
export class DocumentAssembly {
  readonly #document: TransferredDocument;
  readonly #buffers: readonly Uint8Array<ArrayBuffer>[];
  #buffer = 0;
  #filled = 0;

  constructor(document: TransferredDocument) {
    this.#document = document;
    this.#buffers = document.bufferBytes.map((bytes) => new Uint8Array(bytes));
    this.#skipFilled();
  }

  /** @param bytes the next ones; they belong to one buffer */
  add(bytes: Uint8Array): void {
    this.#buffers[this.#buffer]?.set(bytes, this.#filled);
    this.#filled += bytes.byteLength;
    this.#skipFilled();
  }

  /** @returns the document once all of its bytes came, else null */
  finish(): SnapshotInput | null {
    if (this.#buffer < this.#buffers.length) return null;
    const { digest, lastModified, receivedAt, featureStatePieces } = this.#document;
    const [body, shell, bucketStarts, hashes, starts, ends, ...lists] = this.#buffers;
    const empty = new Uint8Array();
    const packed: PackedDocument = {
      digest,
      body: body ?? empty,
      shell: shell ?? empty,
      featureStates: lists.slice(0, featureStatePieces),
      segments: lists.slice(featureStatePieces),
      overrides: {
        bucketStarts: words(bucketStarts),
        hashes: words(hashes),
        starts: words(starts),
        ends: words(ends),
      },
    };
    return { packed, lastModified, receivedAt };
  }

  #skipFilled(): void {
    while (this.#buffer < this.#buffers.length && this.#filled === this.#buffers[this.#buffer]?.byteLength) {
      this.#buffer += 1;
      this.#filled = 0;
    }
  }
}

function words(bytes: Uint8Array<ArrayBuffer> | undefined): Uint32Array<ArrayBuffer> {
  return new Uint32Array(bytes?.buffer ?? new ArrayBuffer(0));
}
