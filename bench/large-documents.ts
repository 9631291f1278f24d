/**
 * Documents of many megabytes for the benchmarks: of identity overrides, or of segments with conditions. It
 * measures nothing.
 */
import { type Profile, profileDocument, standardProfile } from "./profile-document.ts";

export const bytesOfMib = 1_048_576;

/** @returns a profile whose document has a little more than so many bytes, most of them identity overrides */
export function manyOverrides(bytesMin: number): Profile {
  return grownTo(bytesMin, { ...standardProfile, featuresPerOverride: 2 }, "identityOverrides");
}

/**
 * @returns a profile whose document has a little more than so many bytes, most of them segments of 30
 *   conditions; 500 of them override a feature, as segments belong to a project and overrides to one of its
 *   environments
 */
export function manySegments(bytesMin: number): Profile {
  const segments = { segments: 500, overridingSegments: 500, conditionsPerSegment: 30 };
  return grownTo(bytesMin, { ...standardProfile, ...segments }, "idleSegments");
}

/** Adds as many as it takes; all are about as large. */
function grownTo(bytesMin: number, profile: Profile, grown: "identityOverrides" | "idleSegments"): Profile {
  const bytesWith = (count: number): number => profileDocument({ ...profile, [grown]: count }).length;
  // From where numbers have as many digits as most of them will have.
  const [some, more] = [1000, 2000];
  const bytesOfOne = (bytesWith(more) - bytesWith(some)) / (more - some);
  const count = some + Math.ceil((1.005 * (bytesMin - bytesWith(some))) / bytesOfOne);
  const result = { ...profile, [grown]: count };
  if (bytesWith(count) < bytesMin) throw new Error("a large document came out too small");
  return result;
}
