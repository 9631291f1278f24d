/** Axes of plots: where a number stands, and at which numbers ticks are. It draws nothing. */
import { countText } from "./statistics.ts";

export interface Scale {
  readonly ticks: readonly number[];
  /** @returns the place in pixels */
  at(value: number): number;
}

/** About so many ticks. */
const ticksWanted = 6;

/**
 * @param values all that are to be seen; at least one
 * @param from the pixel of the least
 * @param to the pixel of the most
 * @returns a scale from zero
 */
export function linearScale(values: readonly number[], from: number, to: number): Scale {
  const most = Math.max(...values, 1e-9);
  const step = niceStep(most / ticksWanted);
  const steps = Math.ceil(most / step);
  return {
    ticks: Array.from({ length: steps + 1 }, (_, index) => index * step),
    at: (value) => from + (value / (steps * step)) * (to - from),
  };
}

/** A scale from one power of ten to another; its values are above zero. */
export function logarithmicScale(values: readonly number[], from: number, to: number): Scale {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)),
    at: (value) => from + ((Math.log10(value) - first) / (last - first)) * (to - from),
  };
}

/** Such as `0.5` or `10,000`. */
export function tickText(value: number): string {
  return countText(Number(value.toPrecision(3)));
}

/** 1, 2 or 5 times a power of ten, the next above. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10);
}
