/**
 * Load script for k6: the mix at a constant rate, a jump to many times of it, and back, to see whether the
 * proxy stands the jump and recovers from it. It must only be run against a proxy of one's own (README).
 */
import { type Phase, tagPhase } from "./load-phases.ts";
import { requestMix, sendDrawn } from "./request-mix.ts";
import {
  latencyP95Setting,
  latencyThresholds,
  rateSetting,
  runOptions,
  virtualUsersSetting,
} from "./run-options.ts";
import { secondsSetting } from "./script-settings.ts";

const mix = requestMix();
const steadySeconds = secondsSetting("DURATION", "10s");
const spikeSeconds = secondsSetting("SPIKE_DURATION", "10s");
const recoverySeconds = secondsSetting("RECOVERY_DURATION", "5s");
const rate = rateSetting();
const spikeRate = rateSetting("SPIKE_RATE", 10 * rate);

/** What the spike left waiting is answered in the recovery, whose latency is not judged. */
const phases: readonly Phase[] = [
  { name: "before", seconds: steadySeconds },
  { name: "spike", seconds: spikeSeconds },
  { name: "recovery", seconds: recoverySeconds },
  { name: "after", seconds: steadySeconds },
];

export const options = runOptions(
  {
    executor: "ramping-arrival-rate",
    exec: "spike",
    startRate: rate,
    timeUnit: "1s",
    // A stage of no length is a jump.
    stages: [
      { duration: `${steadySeconds}s`, target: rate },
      { duration: "0s", target: spikeRate },
      { duration: `${spikeSeconds}s`, target: spikeRate },
      { duration: "0s", target: rate },
      { duration: `${recoverySeconds + steadySeconds}s`, target: rate },
    ],
    preAllocatedVUs: virtualUsersSetting(200),
    gracefulStop: "15s",
  },
  {
    ...latencyThresholds(["{phase:before}", "{phase:after}"], latencyP95Setting()),
    ...latencyThresholds(["{phase:spike}"], latencyP95Setting("SPIKE_LATENCY_P95_MS", 1000)),
  },
);

export function spike(): void {
  tagPhase(phases);
  sendDrawn(mix);
}
