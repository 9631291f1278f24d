/**
 * What the control plane's process and a worker's say to each other over IPC. Large documents do not travel
 * in one message: `document-transfer.ts` cuts them.
 */
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { UpstreamErrorCode } from "../../models/errors.ts";
import type { CertificatePair, Settings } from "../../models/settings.ts";
import type { PackedLayout } from "../documents/packed-layout.ts";
import type { DataPlaneNotice } from "../environments/data-plane-notice.ts";
import type { RefreshStatus } from "../environments/refresh-status.ts";
import type { PublishReport } from "../environments/snapshot-publisher.ts";

/** Of a document that follows in pieces: all but its bytes. */
export interface TransferredDocument extends Omit<SnapshotInput, "packed"> {
  readonly environment: number;
  readonly layout: PackedLayout;
}

/** To a worker. */
export type WorkerOrder =
  | { readonly kind: "start"; readonly settings: Settings }
  /** Accept connections; comes once the worker has what is to be served. */
  | { readonly kind: "listen"; readonly port: number }
  /** From now on these count, where they may change. */
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "certificate"; readonly pair: CertificatePair }
  | { readonly kind: "environments-known"; readonly areKnown: boolean }
  /** There is a new environment, or one has other keys. */
  | { readonly kind: "environment"; readonly environment: number; readonly keys: EnvironmentKeys }
  | { readonly kind: "remove-environment"; readonly environment: number }
  | { readonly kind: "document"; readonly transfer: number; readonly document: TransferredDocument }
  /** The next bytes of a transfer; they fill its buffers one after the other. */
  | { readonly kind: "piece"; readonly transfer: number; readonly bytes: Uint8Array }
  /** See `DataPlane.announce`. */
  | { readonly kind: "announce"; readonly environment: number; readonly version: string }
  | { readonly kind: "status"; readonly environment: number; readonly status: RefreshStatus }
  | { readonly kind: "discovery-status"; readonly status: RefreshStatus }
  /** Asks for a pong; sent at this time of the monotonic clock, which all processes share. */
  | { readonly kind: "ping"; readonly sentMs: number }
  | { readonly kind: "drain" }
  | { readonly kind: "cut-drain" };

/** From a worker. */
export type WorkerReport =
  | { readonly kind: "notice"; readonly notice: DataPlaneNotice }
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "cannot-listen"; readonly message: string }
  | { readonly kind: "pong" }
  | { readonly kind: "published"; readonly transfer: number; readonly report: PublishReport }
  | {
      readonly kind: "refused";
      readonly transfer: number;
      /** Null: a bug. */
      readonly code: UpstreamErrorCode | null;
      readonly message: string;
    }
  /** An order that concerns no document could not be carried out: a bug. */
  | { readonly kind: "failed"; readonly message: string };
