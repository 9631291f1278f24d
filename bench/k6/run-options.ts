/**
 * The k6 options that the scripts share: an open model, in which requests start at a given rate however
 * slow the answers are, and the thresholds that decide the exit code. It makes no requests.
 */
import type { Options, Scenario, Threshold } from "k6/options";
import { numberSetting, secondsSetting } from "./script-settings.ts";

type Thresholds = Record<string, Threshold[]>;

/** @returns iterations started in each second; every iteration is one request */
export function rateSetting(name = "RATE", fallback = 50): number {
  return numberSetting(name, fallback, { min: 1, max: 1_000_000, whole: true });
}

/**
 * How many requests may be under way at once. More are not added in the course of a run: k6 drops the
 * iteration that finds none free, which tells of a slow target as it should.
 */
export function virtualUsersSetting(fallback = 20): number {
  return numberSetting("VUS", fallback, { min: 1, max: 100_000, whole: true });
}

/** @param selectors of the requests that are judged apart, such as `{name:flags}` */
export function latencyThresholds(selectors: readonly string[], latencyP95Ms: number): Thresholds {
  return Object.fromEntries(selectors.map((each) => [`http_req_duration${each}`, [`p(95)<${latencyP95Ms}`]]));
}

/**
 * Generous by default, to see a target that breaks down and not one on a busy machine.
 * @returns milliseconds
 */
export function latencyP95Setting(name = "LATENCY_P95_MS", fallback = 200): number {
  return numberSetting(name, fallback, { min: 0.001, max: 600_000 });
}

/**
 * Nothing may fail, no check may miss, and k6 must have made the whole load.
 * @param latency of `latencyThresholds`
 */
export function runOptions(scenario: Scenario, latency: Thresholds): Options {
  const droppedMax = numberSetting("DROPPED_MAX", 0, { min: 0, max: 1_000_000_000, whole: true });
  return {
    scenarios: { load: scenario },
    thresholds: {
      http_req_failed: ["rate==0"],
      checks: ["rate==1"],
      dropped_iterations: [`count<=${droppedMax}`],
      ...latency,
    },
    // The proxy redirects nowhere: k6 must not follow one unseen.
    maxRedirects: 0,
    summaryTrendStats: ["min", "med", "p(95)", "p(99)", "max"],
  };
}

/**
 * @param exec the name of the script's exported function
 * @param selectors as of `latencyThresholds`
 * @param defaultDuration in the form of k6
 */
export function constantRate(exec: string, selectors: readonly string[], defaultDuration = "30s"): Options {
  const scenario: Scenario = {
    executor: "constant-arrival-rate",
    exec,
    rate: rateSetting(),
    timeUnit: "1s",
    duration: `${secondsSetting("DURATION", defaultDuration)}s`,
    preAllocatedVUs: virtualUsersSetting(),
    gracefulStop: "15s",
  };
  return runOptions(scenario, latencyThresholds(selectors, latencyP95Setting()));
}
