/** What grows in the benchmark of sizes, and how far: one thing at a time. It measures nothing. */
import { type Profile, standardProfile } from "./profile-document.ts";

export interface SizeSeries {
  readonly name: string;
  readonly sizes: readonly number[];
  /** The largest at which flagsmith-nodejs is measured too: beyond it, that takes many milliseconds. */
  readonly sdkSizeMax: number;
  /** The most that the last size may cost of the first (issue 3); null where it is to cost more. */
  readonly targetRatio: number | null;
  profileOf(size: number): Profile;
}

/** What does not grow is as in the standard profile. */
export const sizeSeries: readonly SizeSeries[] = [
  {
    name: "identity overrides",
    sizes: [100, 1000, 10_000, 100_000],
    sdkSizeMax: 1000,
    targetRatio: 1.1,
    profileOf: (identityOverrides) => ({ ...standardProfile, identityOverrides }),
  },
  {
    name: "segments without overrides",
    sizes: [10, 100, 1000],
    sdkSizeMax: 100,
    targetRatio: 1.1,
    profileOf: (idleSegments) => ({ ...standardProfile, idleSegments }),
  },
  {
    name: "segments that override",
    sizes: [1, 10, 30, 100, 300],
    sdkSizeMax: 100,
    targetRatio: null,
    profileOf: (segments) => ({ ...standardProfile, segments, overridingSegments: segments }),
  },
  {
    name: "conditions of a segment",
    sizes: [1, 3, 10, 30],
    sdkSizeMax: 30,
    targetRatio: null,
    profileOf: (conditionsPerSegment) => ({ ...standardProfile, conditionsPerSegment }),
  },
  {
    name: "features",
    sizes: [10, 50, 200, 500],
    sdkSizeMax: 200,
    targetRatio: null,
    profileOf: (features) => ({ ...standardProfile, features }),
  },
  {
    name: "variants of a feature",
    sizes: [1, 3, 10, 30],
    sdkSizeMax: 30,
    targetRatio: null,
    profileOf: (variants) => ({ ...standardProfile, variants }),
  },
];
