/** What the process that polls tells the thread of the admin listener, and what the thread answers. */
import type { Settings } from "../../models/settings.ts";
import type { RefreshStatus } from "../environments/refresh-status.ts";
import type { Logger } from "../service-logger.ts";

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
  | { readonly kind: "discovery-status"; readonly status: RefreshStatus }
  /** A document is being served; it names its environment so. */
  | { readonly kind: "served"; readonly environment: number; readonly environmentId: number | null }
  /** Sent once a second, with the time of the monotonic clock, which all threads share. */
  | { readonly kind: "alive"; readonly atMs: number; readonly isServing: boolean }
  /** From now on these count, where they may change. */
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "draining" };

/** From the thread. */
export type AdminReport =
  /** One of these two, once. */
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "cannot-listen"; readonly message: string }
  /**
   * To be logged by the process: a thread whose own log nobody reads could not be ended, nor the process with
   * it.
   */
  | {
      readonly kind: "line";
      readonly level: keyof Logger;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly message: string;
    };
