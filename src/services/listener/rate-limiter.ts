/**
 * A token bucket for each client: so many requests a second for long, a burst of more at once. In the memory
 * of one process; it knows neither addresses nor keys.
 */
import type { RateLimitSettings } from "../../models/settings.ts";

/**
 * Of more clients than this, who has asked nothing for the longest time is forgotten, and begins with a full
 * bucket again.
 */
export const clientsMax = 65_536;

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** The buckets of one limit; a bucket begins full. */
export class RateLimiter {
  readonly #settings: RateLimitSettings;
  /** Who asked last stands last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(settings: RateLimitSettings) {
    this.#settings = settings;
  }

  get clients(): number {
    return this.#buckets.size;
  }

  /**
   * Takes a token where there is one.
   * @param nowMs on the monotonic clock
   * @returns 0, or how many milliseconds it takes until there is one
   */
  take(client: string, nowMs: number): number {
    const { requestsPerSecond, burst } = this.#settings;
    const { tokens, atMs } = this.#buckets.get(client) ?? { tokens: burst, atMs: nowMs };
    const present = Math.min(burst, tokens + ((nowMs - atMs) * requestsPerSecond) / 1000);
    const isTaken = present >= 1;
    this.#buckets.delete(client);
    this.#buckets.set(client, { tokens: isTaken ? present - 1 : present, atMs: nowMs });
    if (this.#buckets.size > clientsMax) this.#forgetOldest();
    return isTaken ? 0 : ((1 - present) / requestsPerSecond) * 1000;
  }

  #forgetOldest(): void {
    for (const client of this.#buckets.keys()) {
      this.#buckets.delete(client);
      return;
    }
  }
}
