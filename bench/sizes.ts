/**
 * What one identity costs in the engine, its answer's text included, as the document grows in one thing at a
 * time; with flagsmith-nodejs beside it. Exits 1 where what is to be flat is not. Options: see
 * `runBenchmark`.
 */
import type { Flagsmith } from "flagsmith-nodejs";
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { prepareSdk, prepareView, subjectOf } from "./engine-contestants.ts";
import type { Line, Plot } from "./plot-description.ts";
import { type Profile, profileDocument, sampleIdentities } from "./profile-document.ts";
import { type SizeSeries, sizeSeries } from "./size-series.ts";
import { countText, type Measure, measureText, summarize, tableText, verdictText } from "./statistics.ts";

const identitiesCount = 1000;
const sdkIdentitiesCount = 50;
const warmUpRounds = 3;
/** The SDK's cost does not grow by hundredths. */
const sdkRoundsMax = 3;

/** One size of one series, ready to be measured. */
interface Contestant {
  readonly series: SizeSeries;
  readonly size: number;
  readonly isSdk: boolean;
  /** Evaluates all identities. */
  readonly evaluate: () => Promise<void> | void;
  readonly identities: number;
}

interface SizeResult {
  readonly size: number;
  readonly us: Measure;
  /** To the first size, round by round. */
  readonly ratio: Measure;
  readonly sdkUs: Measure | null;
}

interface SeriesResult extends Pick<SizeSeries, "name" | "targetRatio"> {
  readonly sizes: readonly SizeResult[];
  readonly isMissed: boolean;
}

await runBenchmark(9, async (options) => report(await measureAll(options), options));

async function measureAll({ rounds, includes }: BenchOptions): Promise<SeriesResult[]> {
  await using stack = new AsyncDisposableStack();
  const measured = sizeSeries.filter(({ name }) => includes(name));
  const ours: Contestant[] = [];
  const theirs: Contestant[] = [];
  for (const series of measured) {
    showProgress(`preparing ${series.name}`);
    for (const size of series.sizes) {
      const profile = series.profileOf(size);
      const text = profileDocument(profile);
      ours.push({ series, size, ...(await prepareOurs(text, profile)) });
      if (size <= series.sdkSizeMax) theirs.push({ series, size, ...(await prepareTheirs(text, stack)) });
    }
  }
  const ourUs = await measureRounds(ours, rounds);
  const theirUs = await measureRounds(theirs, Math.min(rounds, sdkRoundsMax));
  return measured.map((series) => summarizeSeries(series, ourUs, theirUs));
}

async function prepareOurs(text: string, profile: Profile) {
  const view = await prepareView(text);
  // Spread over the document, and over the features as well: the stride has no factor in common with 50.
  const stride = Math.max(1, (10 * profile.identityOverrides) / identitiesCount - 1);
  const subjects = sampleIdentities(identitiesCount, stride).map(subjectOf);
  const evaluate = (): void => {
    // Its length makes V8 put the parts of the text together.
    for (const subject of subjects) Buffer.byteLength(view.identityText(subject).text);
  };
  return { isSdk: false, evaluate, identities: identitiesCount };
}

async function prepareTheirs(text: string, stack: AsyncDisposableStack) {
  const sdk: Flagsmith = prepareSdk(text);
  stack.defer(() => sdk.close());
  const identities = sampleIdentities(sdkIdentitiesCount);
  const evaluate = async (): Promise<void> => {
    for (const { identifier, traits } of identities) await sdk.getIdentityFlags(identifier, traits);
  };
  return { isSdk: true, evaluate, identities: sdkIdentitiesCount };
}

type Samples = ReadonlyMap<Contestant, readonly number[]>;

/** All sizes take turns, each round from another one on: who else uses the machine burdens all alike. */
async function measureRounds(contestants: readonly Contestant[], rounds: number): Promise<Samples> {
  const samples = new Map(contestants.map((each) => [each, [] as number[]]));
  const warmUp = contestants.some(({ isSdk }) => isSdk) ? 1 : warmUpRounds;
  for (let round = -warmUp; round < rounds; round += 1) {
    for (let place = 0; place < contestants.length; place += 1) {
      const which = contestants[(place + round + warmUp) % contestants.length] as Contestant;
      showProgress(`round ${round + 1} of ${rounds}: ${which.series.name}, ${which.size}`);
      const before = process.cpuUsage();
      await which.evaluate();
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) samples.get(which)?.push((user + system) / which.identities);
    }
  }
  return samples;
}

function summarizeSeries(series: SizeSeries, ours: Samples, theirs: Samples): SeriesResult {
  const { name, targetRatio } = series;
  const samplesOf = (samples: Samples, size: number) =>
    [...samples].find(([each]) => each.series === series && each.size === size)?.[1] ?? [];
  const first = samplesOf(ours, series.sizes[0] as number);
  const sizes = series.sizes.map((size) => {
    const own = samplesOf(ours, size);
    const sdk = samplesOf(theirs, size);
    return {
      size,
      us: summarize(own),
      ratio: summarize(own.map((us, round) => us / (first[round] as number))),
      sdkUs: sdk.length === 0 ? null : summarize(sdk),
    };
  });
  const last = sizes.at(-1) as SizeResult;
  return { name, targetRatio, sizes, isMissed: targetRatio !== null && !(last.ratio.median <= targetRatio) };
}

function report(results: readonly SeriesResult[], { rounds }: BenchOptions): BenchReport {
  const rows = results.flatMap(({ name, sizes, targetRatio, isMissed }) =>
    sizes.map(({ size, us, ratio, sdkUs }, index) => [
      index === 0 ? name : "",
      countText(size),
      measureText(us, 1),
      index === 0 ? "1" : measureText(ratio, 2),
      sdkUs === null ? "not measured" : measureText(sdkUs, 0),
      targetRatio !== null && index === sizes.length - 1 ? verdictText(`≤ ${targetRatio}`, isMissed) : "",
    ]),
  );
  const head = [
    "what grows",
    "how many",
    "one identity, µs",
    "to the first",
    "flagsmith-nodejs, µs",
    "target",
  ];
  const note =
    `CPU time of one identity, the text of its answer included; all else as in the standard profile (50 ` +
    `features, 10 segments of 3 conditions, 100 identity overrides). Of ${countText(identitiesCount)} ` +
    `identities in turn a tenth has an override, spread over the document. ${rounds} rounds; the SDK ` +
    `has ${Math.min(rounds, sdkRoundsMax)}, of ${sdkIdentitiesCount} identities.`;
  return {
    tables: [{ marker: "sizes", text: tableText(head, rows), note }],
    plots: [costAgainstSize(results)],
    missed: results
      .filter(({ isMissed }) => isMissed)
      .map(({ name, sizes, targetRatio }) => {
        return `cost against ${name}: ${sizes.at(-1)?.ratio.median.toFixed(2)} times, above ${targetRatio}`;
      }),
    figures: { identitiesCount, series: results },
  };
}

function costAgainstSize(results: readonly SeriesResult[]): Plot {
  const lines = results.flatMap(({ name, sizes }, colour): Line[] => [
    { name, colour, points: sizes.map(({ size, us }) => [size, us.median] as const) },
    {
      ...{ name: "", colour, isDashed: true },
      points: sizes.flatMap(({ size, sdkUs }) => (sdkUs === null ? [] : [[size, sdkUs.median] as const])),
    },
  ]);
  return {
    kind: "lines",
    file: "cost-against-size",
    title: "CPU time of one identity, as the document grows in one thing",
    caption: "Dashed lines of the same colours: flagsmith-nodejs.",
    x: { label: "how many there are", isLogarithmic: true },
    y: { label: "CPU time, µs", isLogarithmic: true },
    lines,
  };
}
