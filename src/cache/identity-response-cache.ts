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
/** 512 KiB of memory for each view, at most. */
const placesMax = 65_536;
/** So many places for each entry: then few requests that are not kept share one with those that are. */
const placesPerEntry = 4;

/** A request as the cache knows it: a raw body, or a text that no body can be. */
export type CachedRequest = Buffer | string;

type Entries = LRUCache<string, IdentityResponse>;

const noPlaces = new Uint32Array();

/** Takes memory with the first answers that are offered: of many environments, few may ever be asked. */
export class IdentityResponseCache {
  readonly #settings: IdentityCacheSettings;
  readonly #places: number;
  /** Null until the first answer is kept. */
  #entries: Entries | null = null;
  /** By the lowest bits of a request's hash: how many such are kept. Zero spares the look-up of its text. */
  #kept = noPlaces;
  /** By the same: the hash of the last one that was answered and not kept. Empty until there is one. */
  #answered = noPlaces;

  /** @param settings entries and bytes that this one cache may hold */
  constructor(settings: IdentityCacheSettings) {
    this.#settings = settings;
    this.#places = placesFor(settings.entriesMax);
  }

  /** @returns the answer that is kept for the request */
  get(request: CachedRequest): IdentityResponse | undefined {
    if (this.#entries === null || this.#kept[this.#placeOf(hashOf(request))] === 0) return undefined;
    return this.#entries.get(keyOf(request));
  }

  /**
   * Keeps an answer from its request's second time on: most never come again, and keeping each one was
   * measured to cost more than it saves.
   */
  offer(request: CachedRequest, response: IdentityResponse): void {
    if (!this.#settings.enabled) return;
    const hash = hashOf(request);
    const place = this.#placeOf(hash);
    if (this.#answered[place] === hash) this.#keep(keyOf(request), place, response);
    else this.#remember(hash, place);
  }

  #remember(hash: number, place: number): void {
    if (this.#answered.length === 0) this.#answered = new Uint32Array(this.#places);
    this.#answered[place] = hash;
  }

  #keep(key: string, place: number, response: IdentityResponse): void {
    this.#entries ??= this.#makeEntries();
    this.#kept[place]! += 1;
    this.#entries.set(key, response);
    // One that is too large for the whole cache is not kept.
    if (!this.#entries.has(key)) this.#kept[place]! -= 1;
  }

  #makeEntries(): Entries {
    this.#kept = new Uint32Array(this.#places);
    return new LRUCache({
      max: this.#settings.entriesMax,
      maxSize: this.#settings.bytesMax,
      sizeCalculation: ({ body }, key) => body.length + key.length + entryOverheadBytes,
      dispose: (_, key) => {
        this.#kept[this.#placeOf(hashOfText(key))]! -= 1;
      },
    });
  }

  #placeOf(hash: number): number {
    return hash & (this.#places - 1);
  }
}

/** A power of two. */
function placesFor(entriesMax: number): number {
  return 2 ** Math.ceil(Math.log2(Math.min(entriesMax * placesPerEntry, placesMax)));
}

/** One character for each byte: two requests share a key only if they are the same. */
function keyOf(request: CachedRequest): string {
  return typeof request === "string" ? request : request.toString("latin1");
}

/** FNV-1a. Two requests of one hash do no harm: one of them is kept a request too early. */
function hashOf(request: CachedRequest): number {
  if (typeof request === "string") return hashOfText(request);
  let hash = fnvBasis;
  for (let index = 0; index < request.length; index += 1) {
    hash = Math.imul(hash ^ (request[index] as number), fnvPrime);
  }
  return mixed(hash);
}

/** The same for a key: a character of it is a byte of the request. */
function hashOfText(text: string): number {
  let hash = fnvBasis;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), fnvPrime);
  }
  return mixed(hash);
}

const fnvBasis = 0x811c9dc5;
const fnvPrime = 0x01000193;

/** Places take the lowest bits alone. */
function mixed(hash: number): number {
  return (hash ^ (hash >>> 15)) >>> 0;
}
