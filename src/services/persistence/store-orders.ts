/** What the archive and the process that keeps its stores say to each other, over Node's channel. */
import type { StoreName } from "./document-store.ts";

/** One after the other: each is answered before the next one is sent. */
export type StoreOrder =
  /** Makes or copies the folder that holds the stores; comes first. */
  | { readonly kind: "begin"; readonly path: string; readonly isCopy: boolean }
  /** `isDamaged`: what is there ended the process that opened or read it, and is set aside. */
  | { readonly kind: "open"; readonly store: StoreName; readonly isDamaged: boolean }
  | { readonly kind: "get"; readonly store: StoreName; readonly keys: readonly string[] }
  | {
      readonly kind: "put";
      readonly store: StoreName;
      readonly key: string;
      readonly value: Uint8Array;
      readonly sync: boolean;
    }
  | { readonly kind: "del"; readonly store: StoreName; readonly key: string; readonly sync: boolean }
  | { readonly kind: "clear"; readonly store: StoreName; readonly gte: string; readonly lt: string }
  | { readonly kind: "next-key"; readonly store: StoreName; readonly after: string }
  /** Fails where the disk says that it has less room. */
  | { readonly kind: "room"; readonly bytes: number }
  /** The last one: the process ends. */
  | { readonly kind: "close" };

/** What came of opening a store. */
export interface StoreOpening {
  /** Whether it was damaged, and LevelDB has repaired it. */
  readonly isRepaired: boolean;
  /** Where it was damaged beyond that and begun anew, the folder that keeps what was there; else null. */
  readonly setAside: string | null;
}

export interface StoreFailure {
  readonly message: string;
  /** Of the system, or of LevelDB. */
  readonly code: string;
  /** Whether there is no store; else one order failed. */
  readonly isUnavailable: boolean;
}

/** `value` is what the order's operation returns. */
export type StoreReply = { readonly value: unknown } | { readonly failure: StoreFailure };
