/** The command line of `npm run soak`: what is asked for, and what is made of it where it is not. */
import { parseArgs } from "node:util";
import { numberAboveZero } from "../bench-command.ts";

export interface SoakOptions {
  readonly json: boolean;
  readonly workers: number;
  /** The soak ends after so many requests, or so many milliseconds. */
  readonly end: { readonly requests: number } | { readonly ms: number };
  /** Null: nothing is broken on purpose. */
  readonly chaos: ChaosOptions | null;
  /** A folder; null: nothing is drawn. */
  readonly plots: string | null;
}

export interface ChaosOptions {
  /** The same seed brings the same faults in the same order. */
  readonly seed: number;
  /** A fault begins so long after the one before. */
  readonly everyMs: number;
}

const minutesDefault = 10;
const chaosSecondsDefault = 20;
/** A seed has at most so many values. */
const seeds = 2 ** 31;

/** @throws Error that says what is wrong */
export function readSoakOptions(): SoakOptions {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      minutes: { type: "string" },
      requests: { type: "string" },
      workers: { type: "string" },
      chaos: { type: "boolean", default: false },
      "chaos-seconds": { type: "string", default: String(chaosSecondsDefault) },
      seed: { type: "string" },
      plots: { type: "string" },
    },
  });
  const { json, minutes, requests, chaos, seed, plots = null } = values;
  if (minutes !== undefined && requests !== undefined)
    throw new Error("--minutes and --requests: expected one of them");
  const end =
    requests === undefined
      ? { ms: positive("minutes", minutes ?? String(minutesDefault)) * 60_000 }
      : { requests: numberAboveZero("requests", requests) };
  const chaosOptions = {
    seed: seed === undefined ? Date.now() % seeds : numberAboveZero("seed", seed),
    everyMs: positive("chaos-seconds", values["chaos-seconds"]) * 1000,
  };
  // One worker among others is what most faults of processes are about.
  const workers = numberAboveZero("workers", values.workers ?? (chaos ? "2" : "1"));
  return { json, workers, end, plots, chaos: chaos ? chaosOptions : null };
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!(number > 0 && Number.isFinite(number))) throw new Error(`--${option}: expected a number above 0`);
  return number;
}
