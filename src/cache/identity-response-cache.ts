/**
 * Answers to identities requests by the request's raw body. It belongs to one view of one snapshot and dies
 * with it, so it needs no invalidation.
 */
import { LRUCache } from "lru-cache";
import type { IdentityCacheSettings } from "../models/settings.ts";
import type { HeaderSet } from "./prepared-response.ts";

/** An identities answer, ready to be sent again. */
export interface IdentityResponse {
  readonly body: string;
  readonly headers: HeaderSet;
}

/**
 * The share of each of several caches, so that all of them together keep the limits.
 * @param caches how many there are: two for each environment, one for each view
 */
export function sharedBetween(caches: number, settings: IdentityCacheSettings): IdentityCacheSettings {
  const share = (total: number): number => Math.max(1, Math.floor(total / Math.max(1, caches)));
  return { ...settings, entriesMax: share(settings.entriesMax), bytesMax: share(settings.bytesMax) };
}

/** What an entry costs beside its texts, in bytes: the headers and the list that holds it. */
const entryOverheadBytes = 512;

export class IdentityResponseCache {
  readonly #entries: LRUCache<string, IdentityResponse> | null;

  /** @param settings entries and bytes that this one cache may hold */
  constructor(settings: IdentityCacheSettings) {
    this.#entries = settings.enabled
      ? new LRUCache({
          max: settings.entriesMax,
          maxSize: settings.bytesMax,
          sizeCalculation: ({ body }, key) => body.length + key.length + entryOverheadBytes,
        })
      : null;
  }

  /** @param requestBody the raw body, as a string that keeps each byte apart */
  get(requestBody: string): IdentityResponse | undefined {
    return this.#entries?.get(requestBody);
  }

  set(requestBody: string, response: IdentityResponse): void {
    this.#entries?.set(requestBody, response);
  }
}
