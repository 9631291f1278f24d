/**
 * The worker's end of the line: carries out what the control plane orders, and reports. It decides nothing.
 */
import { UpstreamError } from "../../models/errors.ts";
import type { DataPlane } from "../environments/served-environments.ts";
import { DocumentAssembly } from "./document-transfer.ts";
import { textOf } from "./worker-end.ts";
import type { WorkerOrder, WorkerReport } from "./worker-messages.ts";

/** A document on its way. */
interface Transfer {
  readonly environment: number;
  readonly assembly: DocumentAssembly;
}

/** Takes the orders that concern environments, documents and refreshes. */
export class WorkerOrders {
  readonly #dataPlane: DataPlane;
  readonly #report: (report: WorkerReport) => void;
  readonly #transfers = new Map<number, Transfer>();

  constructor(dataPlane: DataPlane, report: (report: WorkerReport) => void) {
    this.#dataPlane = dataPlane;
    this.#report = report;
  }

  /** @returns resolves when the order is carried out, or its failure reported; never rejects */
  async take(order: WorkerOrder): Promise<void> {
    const transfer = "transfer" in order ? order.transfer : null;
    try {
      if (order.kind === "document") this.#begin(order);
      else if (order.kind === "piece") await this.#addPiece(order.transfer, order.bytes);
      else if (order.kind === "environments-known") this.#dataPlane.setEnvironmentsKnown(order.areKnown);
      else if (order.kind === "environment") this.#dataPlane.setEnvironment(order.environment, order.keys);
      else if (order.kind === "remove-environment") this.#remove(order.environment);
      else if (order.kind === "announce") this.#dataPlane.announce(order.environment, order.version);
      else if (order.kind === "status") this.#dataPlane.setRefreshStatus(order.environment, order.status);
      else if (order.kind === "discovery-status") this.#dataPlane.setDiscoveryStatus(order.status);
      else if (order.kind === "ping") this.#answer(order.sentMs);
    } catch (error) {
      const message = textOf(error);
      const code = error instanceof UpstreamError ? error.code : null;
      if (transfer === null) this.#report({ kind: "failed", message });
      else this.#refuse(transfer, code, message);
    }
  }

  #begin({ transfer, document }: Extract<WorkerOrder, { kind: "document" }>): void {
    const { environment } = document;
    this.#transfers.set(transfer, { environment, assembly: new DocumentAssembly(document) });
  }

  async #addPiece(number: number, bytes: Uint8Array): Promise<void> {
    const transfer = this.#transfers.get(number);
    if (transfer === undefined) return;
    transfer.assembly.add(bytes);
    const document = transfer.assembly.finish();
    if (document === null) return;
    this.#transfers.delete(number);
    const report = await this.#dataPlane.publish(transfer.environment, document);
    this.#report({ kind: "published", transfer: number, report });
  }

  /** What is still on its way of its document is passed over. */
  #remove(environment: number): void {
    for (const [number, transfer] of this.#transfers) {
      if (transfer.environment === environment) this.#transfers.delete(number);
    }
    this.#dataPlane.removeEnvironment(environment);
  }

  #answer(sentMs: number): void {
    this.#report({ kind: "pong" });
    this.#dataPlane.heardOfControlPlane?.(sentMs);
  }

  /** What is still on its way of the document is passed over. */
  #refuse(transfer: number, code: UpstreamError["code"] | null, message: string): void {
    this.#transfers.delete(transfer);
    this.#report({ kind: "refused", transfer, code, message });
  }
}
