/**
 * Answers to identities requests by the request's raw body. It belongs to one view of one snapshot and dies
 * with it, so no document makes it wrong; what a request may hold changes by settings alone.
 */
import { LRUCache } from "lru-cache";
import type { IdentityCacheSettings } from "../models/settings.ts";
import { type Body, bodyOf, type HeaderSet } from "./prepared-response.ts";

/** An identities answer, ready to be sent again. */
export interface IdentityResponse {
  readonly body: Body;
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

/** A request as the cache knows it. */
export interface CachedRequest {
  /** A raw body, or a text that no body can be. */
  readonly content: Buffer | string;
  readonly fingerprint: number;
}

/** @param content whatever the answer depends on, but for the view that is asked */
export function cachedRequest(content: Buffer | string): CachedRequest {
  return {
    content,
    fingerprint: typeof content === "string" ? fingerprintOfText(content) : fingerprintOf(content),
  };
}

interface KeptResponse {
  readonly response: IdentityResponse;
  readonly place: number;
}

type Entries = LRUCache<string, KeptResponse>;

const noPlaces = new Uint32Array();

/** Takes memory with the first answers that are offered: of many environments, few may ever be asked. */
export class IdentityResponseCache {
  readonly #settings: IdentityCacheSettings;
  readonly #places: number;
  /** Null until the first answer is kept. */
  #entries: Entries | null = null;
  /** By the lowest bits of a fingerprint: how many such requests are kept. Zero spares looking one up. */
  #kept = noPlaces;
  /** By the same: the fingerprint of the last one answered and not kept. Empty until there is one. */
  #answered = noPlaces;

  /** @param settings entries and bytes that this one cache may hold */
  constructor(settings: IdentityCacheSettings) {
    this.#settings = settings;
    this.#places = placesFor(settings.entriesMax);
  }

  /** @returns the answer that is kept for the request */
  get({ content, fingerprint }: CachedRequest): IdentityResponse | undefined {
    if (this.#entries === null || this.#kept[this.#placeOf(fingerprint)] === 0) return undefined;
    return this.#entries.get(keyOf(content))?.response;
  }

  /**
   * Keeps an answer from its request's second time on: most never come again, and keeping each one was
   * measured to cost more than it saves.
   */
  offer({ content, fingerprint }: CachedRequest, response: IdentityResponse): void {
    if (!this.#settings.enabled) return;
    const place = this.#placeOf(fingerprint);
    if (this.#answered[place] === fingerprint) this.#keep(keyOf(content), { response, place });
    else this.#remember(fingerprint, place);
  }

  /** Keeps nothing of what it has, and gives the memory back. */
  clear(): void {
    this.#entries = null;
    this.#kept = noPlaces;
    this.#answered = noPlaces;
  }

  #remember(fingerprint: number, place: number): void {
    if (this.#answered.length === 0) this.#answered = new Uint32Array(this.#places);
    this.#answered[place] = fingerprint;
  }

  #keep(key: string, { response, place }: KeptResponse): void {
    const { body, headers } = response;
    this.#entries ??= this.#makeEntries();
    this.#kept[place]! += 1;
    const sentAgain = { body: typeof body === "string" ? bodyOf(body) : body, headers };
    this.#entries.set(key, { response: sentAgain, place });
    // One that is too large for the whole cache is not kept.
    if (!this.#entries.has(key)) this.#kept[place]! -= 1;
  }

  #makeEntries(): Entries {
    this.#kept = new Uint32Array(this.#places);
    return new LRUCache({
      max: this.#settings.entriesMax,
      maxSize: this.#settings.bytesMax,
      sizeCalculation: ({ response: { body } }, key) => body.length + key.length + entryOverheadBytes,
      dispose: ({ place }) => {
        this.#kept[place]! -= 1;
      },
    });
  }

  #placeOf(fingerprint: number): number {
    return fingerprint & (this.#places - 1);
  }
}

/** A power of two. */
function placesFor(entriesMax: number): number {
  return 2 ** Math.ceil(Math.log2(Math.min(entriesMax * placesPerEntry, placesMax)));
}

/** One character for each byte: two requests share a key only if they are the same. */
function keyOf(content: Buffer | string): string {
  return typeof content === "string" ? content : content.toString("latin1");
}

/*
 * A hash in the manner of FNV-1a, four bytes at a time. Two requests of one fingerprint do no harm: one of
 * them is kept a request too early.
 */

const basis = 0x811c9dc5;
const multiplier = 0x9e3779b1;

function fingerprintOf(bytes: Buffer): number {
  let hash = basis;
  let index = 0;
  for (; index + 3 < bytes.length; index += 4) {
    const low = bytes[index]! | (bytes[index + 1]! << 8);
    hash = mixed(hash, low | (bytes[index + 2]! << 16) | (bytes[index + 3]! << 24));
  }
  for (; index < bytes.length; index += 1) hash = mixed(hash, bytes[index]!);
  return hash >>> 0;
}

function fingerprintOfText(text: string): number {
  let hash = basis;
  for (let index = 0; index < text.length; index += 1) hash = mixed(hash, text.charCodeAt(index));
  return hash >>> 0;
}

/** Places take the lowest bits alone, so that the highest must reach them. */
function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, multiplier);
  return product ^ (product >>> 15);
}
