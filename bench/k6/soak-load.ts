/**
 * Load script for k6: the mix at a constant rate for long, to see what grows or slows down with time. It
 * must only be run against a proxy of one's own (README).
 */
import { type Phase, tagPhase } from "./load-phases.ts";
import { requestMix, sendDrawn } from "./request-mix.ts";
import { constantRate } from "./run-options.ts";
import { secondsSetting } from "./script-settings.ts";

const defaultDuration = "10m";
const mix = requestMix();
const seconds = secondsSetting("DURATION", defaultDuration);

/** Start and end are compared by whoever reads the outcome: thresholds cannot. */
const phases: readonly Phase[] = [
  { name: "start", seconds: seconds / 5 },
  { name: "middle", seconds: (seconds * 3) / 5 },
  { name: "end", seconds: seconds / 5 },
];

export const options = constantRate(
  "soak",
  phases.map(({ name }) => `{phase:${name}}`),
  defaultDuration,
);

export function soak(): void {
  tagPhase(phases);
  sendDrawn(mix);
}
