/** What the process that polls tells the thread of the admin listener, and what the thread answers. */
import type { Settings } from "../../models/settings.ts";
import type { RefreshStatus } from "../environments/refresh-status.ts";

/** What the thread is started with. */
export interface AdminThreadData {
  readonly settings: Settings;
}

/** To the thread. */
export type AdminOrder =
  /** There is one more environment; one that is known already stays as it is. */
  | { readonly kind: "environment"; readonly environment: number }
  | { readonly kind: "remove-environment"; readonly environment: number }
  | { readonly kind: "status"; readonly environment: number; readonly status: RefreshStatus }
  /** A document is being served; it names its environment so. */
  | { readonly kind: "served"; readonly environment: number; readonly environmentId: number | null }
  /** Sent once a second, with the time of the monotonic clock, which all threads share. */
  | { readonly kind: "alive"; readonly atMs: number; readonly isServing: boolean }
  /** From now on these count, where they may change. */
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "draining" };

/** From the thread, once. */
export type AdminReport =
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "cannot-listen"; readonly message: string };
