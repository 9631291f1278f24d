/**
 * Tells the phases of a run apart by a tag, so that each has its own latency in thresholds and outcome. It
 * knows nothing of what is sent.
 */
import exec from "k6/execution";

export interface Phase {
  readonly name: string;
  readonly seconds: number;
}

/** Puts the present phase on all that this virtual user measures from now on. */
export function tagPhase(phases: readonly Phase[]): void {
  exec.vu.metrics.tags["phase"] = phaseAt(phases, (Date.now() - exec.scenario.startTime) / 1000);
}

/** @returns the last one for what starts after its end */
function phaseAt(phases: readonly Phase[], elapsedSeconds: number): string {
  let endSeconds = 0;
  for (const { name, seconds } of phases) {
    endSeconds += seconds;
    if (elapsedSeconds < endSeconds) return name;
  }
  return phases.at(-1)?.name ?? "";
}
