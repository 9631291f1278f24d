/**
 * Settings that are seconds, counts or bytes, with the limits that all of them share. It must not know single
 * settings.
 */
import { number } from "./setting-readers.ts";

/**
 * NOTE: a Node timer of more than 2^31-1 ms (24.8 days) fires at once. With the largest jitter a wait of this
 * many seconds stays below that.
 */
export const secondsMax = 1_000_000;
/** More of anything than this is a mistake. */
export const countMax = 1_000_000;
const bytesMax = 1_073_741_824;

/** Seconds, above 0, fractions too: the limit of what takes time by itself. */
export const seconds = (byDefault: number) => number({ default: byDefault, max: secondsMax });
/** Seconds between two of what comes again and again: with less, it would do nothing else. */
export const interval = (byDefault: number) => number({ default: byDefault, min: 0.1, max: secondsMax });
/** Seconds before what failed is tried again. */
export const retryWait = (byDefault: number) => number({ default: byDefault, min: 0.01, max: secondsMax });
/** A whole number, 1 or more unless `min` says otherwise. */
export const count = (byDefault: number, min = 1) =>
  number({ default: byDefault, min, max: countMax, whole: true });
/** Bytes, 1 KiB to 1 GiB. */
export const bytes = (byDefault: number) =>
  number({ default: byDefault, min: 1024, max: bytesMax, whole: true });
