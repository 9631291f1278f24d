/**
 * Sends a packed document to another process in small messages, and puts it together there: receiving 50 MiB
 * at once would hold up a worker's requests. It does not know how messages travel.
 */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import { PackedAssembly, packedBuffers, packedLayout } from "../documents/packed-layout.ts";
import type { TransferredDocument, WorkerOrder } from "./worker-messages.ts";

/** A message of this size is received within a millisecond. */
const pieceBytes = 262_144;

/**
 * @param transfer names this transfer on its channel
 * @returns the messages, to be sent in this order
 */
export function* documentOrders(
  transfer: number,
  environment: number,
  { packed, lastModified, receivedAt }: SnapshotInput,
): Generator<WorkerOrder> {
  const document: TransferredDocument = {
    environment,
    layout: packedLayout(packed),
    lastModified,
    receivedAt,
  };
  yield { kind: "document", transfer, document };
  for (const { buffer, byteOffset, byteLength } of packedBuffers(packed)) {
    for (let at = 0; at < byteLength; at += pieceBytes) {
      const bytes = new Uint8Array(buffer, byteOffset + at, Math.min(pieceBytes, byteLength - at));
      yield { kind: "piece", transfer, bytes };
    }
  }
}

/** Puts one document together from its pieces. */
export class DocumentAssembly {
  readonly #document: TransferredDocument;
  readonly #packed: PackedAssembly;

  constructor(document: TransferredDocument) {
    this.#document = document;
    this.#packed = new PackedAssembly(document.layout);
  }

  /** @param bytes the next ones */
  add(bytes: Uint8Array): void {
    this.#packed.add(bytes);
  }

  /** @returns the document once all of its bytes came, else null */
  finish(): SnapshotInput | null {
    const packed = this.#packed.finish();
    const { lastModified, receivedAt } = this.#document;
    return packed === null ? null : { packed, lastModified, receivedAt };
  }
}
