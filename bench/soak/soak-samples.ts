/**
 * What a soak has seen, and what it says of leaks and drift: by the samples that were taken in its course. It
 * measures nothing itself.
 */
import { mergeOutcomes, type Outcomes, percentileMs } from "../load-outcomes.ts";
import { summarize } from "../statistics.ts";
import type { ProxyUse } from "./supervised-proxy.ts";

/** How things stood at one time, or since the sample before. */
export interface SoakSample extends ProxyUse {
  /** Answered as planned so far. */
  readonly requests: number;
  readonly latencies: Outcomes;
}

export interface SoakFindings {
  /** MiB of resident memory per million requests, by least squares; with its standard error. */
  readonly slopeMib: number;
  readonly slopeErrorMib: number;
  /** Medians of the second quarter and the last one. */
  readonly descriptors: readonly [first: number, last: number];
  readonly p99Ms: readonly [first: number, last: number];
}

/** Fewer make no quarters. */
const samplesMin = 8;

/**
 * The first quarter is the warm-up.
 * @throws Error where there are too few samples
 */
export function judgeSamples(samples: readonly SoakSample[]): SoakFindings {
  if (samples.length < samplesMin) throw new Error(`${samples.length} samples tell nothing`);
  const quarter = Math.floor(samples.length / 4);
  const [second, last] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
  const p99 = (part: readonly SoakSample[]) =>
    percentileMs(mergeOutcomes(part.map(({ latencies }) => latencies)), 0.99, "200");
  const descriptors = (part: readonly SoakSample[]) =>
    summarize(part.map((sample) => sample.descriptors)).median;
  const line = fitLine(samples.slice(quarter).map(({ requests, rssMib }) => [requests / 1e6, rssMib]));
  return {
    slopeMib: line.slope,
    slopeErrorMib: line.error,
    descriptors: [descriptors(second), descriptors(last)],
    p99Ms: [p99(second), p99(last)],
  };
}

/** Least squares: the slope, and its standard error. */
function fitLine(points: readonly (readonly [x: number, y: number])[]): { slope: number; error: number } {
  const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const rest = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (points.length - 2) / spread) };
}
