/**
 * What the memory benchmark serves, by how many processes, and how much each may hold. It measures nothing.
 */
import { bytesOfMib, manyOverrides } from "./large-documents.ts";
import { environmentKeys, type Profile, profileDocument, standardProfile } from "./profile-document.ts";
import { countText } from "./statistics.ts";

export interface MemoryCase {
  readonly name: string;
  readonly environments: number;
  readonly workers: 1 | 2;
  /** So many times after the start the document changes. */
  readonly publishes: number;
  contents(): MemoryContents;
  /** Of each serving process, in MiB (issue 3); null where it is measured for comparison. */
  targetMib(documentMib: number): number | null;
}

export interface MemoryContents {
  /** By server key. */
  readonly documents: ReadonlyMap<string, string>;
  /** Of one of them. */
  readonly documentMib: number;
}

const smallProfile: Profile = {
  features: 20,
  segments: 5,
  overridingSegments: 5,
  conditionsPerSegment: 3,
  identityOverrides: 10,
};

const both = [1, 2] as const;
const largeProfile = manyOverrides(10 * bytesOfMib);

/** Those with a target, by one process and by workers; the others show how memory grows. */
export const memoryCases: readonly MemoryCase[] = [
  ...both.map((workers) => ({
    ...{ name: "50 features", environments: 1, workers, publishes: 0 },
    contents: () => contentsOf(standardProfile, 1),
    targetMib: () => 90,
  })),
  ...both.map((workers) => ({
    name: `10 MiB, ${countText(largeProfile.identityOverrides)} identity overrides, published 3 times more`,
    ...{ environments: 1, workers, publishes: 3 },
    contents: () => contentsOf(largeProfile, 1),
    targetMib: (documentMib: number) => 90 + 4 * documentMib,
  })),
  ...both.map((workers) => manyEnvironments(1000, workers, 250)),
  manyEnvironments(300, 1, null),
  manyEnvironments(100, 1, null),
  manyEnvironments(1, 1, null),
];

function manyEnvironments(environments: number, workers: 1 | 2, targetMib: number | null): MemoryCase {
  const noun = environments === 1 ? "environment" : "environments";
  return {
    name: `${countText(environments)} ${noun} of 20 features`,
    ...{ environments, workers, publishes: 0 },
    contents: () => contentsOf(smallProfile, environments),
    targetMib: () => targetMib,
  };
}

function contentsOf(profile: Profile, environments: number): MemoryContents {
  const documents = Array.from({ length: environments }, (_, environment) => {
    return [environmentKeys(environment).server, profileDocument(profile, environment)] as const;
  });
  return {
    documents: new Map(documents),
    documentMib: Buffer.byteLength(documents[0]?.[1] ?? "") / bytesOfMib,
  };
}
