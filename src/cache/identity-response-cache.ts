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
/** 256 KiB of memory for each view, at most. */
const offeredPlacesMax = 65_536;

export class IdentityResponseCache {
  readonly #entries: LRUCache<string, IdentityResponse> | null;
  /** By the lowest bits of a body's hash: the hash of the last such body that was offered. */
  readonly #offered: Uint32Array;

  /** @param settings entries and bytes that this one cache may hold */
  constructor(settings: IdentityCacheSettings) {
    this.#entries = settings.enabled
      ? new LRUCache({
          max: settings.entriesMax,
          maxSize: settings.bytesMax,
          sizeCalculation: ({ body }, key) => body.length + key.length + entryOverheadBytes,
        })
      : null;
    this.#offered = new Uint32Array(settings.enabled ? offeredPlaces(settings.entriesMax) : 0);
  }

  /** @param requestBody the raw body, as a string that keeps each byte apart */
  get(requestBody: string): IdentityResponse | undefined {
    return this.#entries?.get(requestBody);
  }

  /**
   * Keeps an answer once its body was offered before: most bodies never come again, and keeping them all was
   * measured to cost more than it saves.
   */
  offer(requestBody: string, response: IdentityResponse): void {
    if (this.#entries === null || !this.#wasOffered(requestBody)) return;
    this.#entries.set(requestBody, response);
  }

  #wasOffered(requestBody: string): boolean {
    const hash = hashOf(requestBody);
    const place = hash & (this.#offered.length - 1);
    if (this.#offered[place] === hash) return true;
    this.#offered[place] = hash;
    return false;
  }
}

/** As many as entries, a power of two; bodies that share a place displace each other. */
function offeredPlaces(entriesMax: number): number {
  return 2 ** Math.ceil(Math.log2(Math.min(entriesMax, offeredPlacesMax)));
}

/** FNV-1a. Two bodies of one hash do no harm: one of them is kept a request too early. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
