/**
 * The worker's end of the line: carries out what the control plane orders, and reports. It decides nothing.
 */
import { UpstreamError } from "../../models/errors.ts";
import type { DataPlane } from "../environments/served-environments.ts";
import { DocumentAssembly } from "./document-transfer.ts";
import type { WorkerOrder, WorkerReport } from "./worker-messages.ts";

/** A document on its way. */
interface Transfer {
  readonly environment: number;
  readonly assembly: DocumentAssembly;
}

/** Takes the orders that concern documents. */
export class WorkerOrders {
  readonly #dataPlane: DataPlane;
  readonly #report: (report: WorkerReport) => void;
  readonly #transfers = new Map<number, Transfer>();

  constructor(dataPlane: DataPlane, report: (report: WorkerReport) => void) {
    this.#dataPlane = dataPlane;
    this.#report = report;
  }

  /** @returns resolves when the order is carried out; never rejects */
  async take(order: WorkerOrder): Promise<void> {
    if (order.kind === "status") this.#dataPlane.setRefreshStatus(order.environment, order.status);
    if (order.kind === "document") {
      const { environment } = order.document;
      this.#transfers.set(order.transfer, { environment, assembly: new DocumentAssembly(order.document) });
    }
    if (order.kind === "piece") await this.#addPiece(order.transfer, order.bytes);
  }

  async #addPiece(number: number, bytes: Uint8Array): Promise<void> {
    const transfer = this.#transfers.get(number);
    if (transfer === undefined) return;
    transfer.assembly.add(bytes);
    const document = transfer.assembly.finish();
    if (document === null) return;
    this.#transfers.delete(number);
    try {
      const report = await this.#dataPlane.publish(transfer.environment, document);
      this.#report({ kind: "published", transfer: number, report });
    } catch (error) {
      const code = error instanceof UpstreamError ? error.code : null;
      const message = error instanceof Error ? error.message : String(error);
      this.#report({ kind: "refused", transfer: number, code, message });
    }
  }
}
