/**
 * Compares one identity evaluated by our engine with the same by flagsmith-nodejs, on one document, in one
 * process. Exits 1 where ours costs more than the target allows. Options: see `runBenchmark`.
 */
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { type Contestants, checkAgreement, prepareContestants } from "./engine-contestants.ts";
import { allSegmentsProfile, engineProfile, type Profile } from "./profile-document.ts";
import { type Measure, measureText, summarize, tableText, verdictText } from "./statistics.ts";

/** The SDK must cost so many times what ours costs, at least (issue 3). */
const targetTimes = 200;
const identitiesCount = 1000;

interface Row {
  readonly name: string;
  /** Microseconds of CPU, user and system, for one identity. */
  readonly us: Measure;
  /** How many times the SDK's cost is this one's, round by round. */
  readonly timesCheaper: Measure;
}

interface ComparedProfile {
  readonly marker: string;
  readonly title: string;
  readonly profile: Profile;
  readonly hasTarget: boolean;
}

interface Comparison extends ComparedProfile {
  /** Of all flags of all identities: how many an override or a variant decided. */
  readonly decidedShare: number;
  readonly rows: readonly Row[];
  readonly isMissed: boolean;
}

const profiles: readonly ComparedProfile[] = [
  {
    marker: "engine",
    title: "half of the segments override a feature",
    profile: engineProfile,
    hasTarget: true,
  },
  {
    marker: "engine-every-segment",
    title: "every segment overrides a feature",
    profile: allSegmentsProfile,
    hasTarget: false,
  },
];

await runBenchmark(9, async (options) => {
  const comparisons: Comparison[] = [];
  for (const each of profiles) {
    if (options.includes(each.title)) comparisons.push(await compare(each, options));
  }
  return report(comparisons, options);
});

async function compare(compared: ComparedProfile, { rounds }: BenchOptions): Promise<Comparison> {
  await using contestants = await prepareContestants(compared.profile, identitiesCount);
  const decidedShare = await checkAgreement(contestants);
  const { all } = contestants;
  const samples = all.map((): number[] => []);
  // The first pass warms up. The order turns with each round: whoever else uses the machine burdens all
  // alike.
  for (let round = -1; round < rounds; round += 1) {
    showProgress(`round ${round + 1} of ${rounds}: ${compared.title}`);
    for (let place = 0; place < all.length; place += 1) {
      const which = (place + round + 1) % all.length;
      const us = await measureUs(all[which] as Contestants["all"][number]);
      if (round >= 0) samples[which]?.push(us);
    }
  }
  const [theirs = []] = samples;
  const rows = all.map(({ name }, which) => ({
    name,
    us: summarize(samples[which] ?? []),
    timesCheaper: summarize((samples[which] ?? []).map((us, round) => (theirs[round] ?? 0) / us)),
  }));
  return { ...compared, decidedShare, rows, isMissed: compared.hasTarget && !(timesOf(rows) >= targetTimes) };
}

/** The target is the engine's alone: the SDK makes no text either. */
function timesOf(rows: readonly Row[]): number {
  return rows[1]?.timesCheaper.median ?? 0;
}

/** @returns microseconds of CPU (user and system) for one evaluation */
async function measureUs({ runs, evaluate }: Contestants["all"][number]): Promise<number> {
  const before = process.cpuUsage();
  for (let run = 0; run < runs; run += 1) {
    for (let index = 0; index < identitiesCount; index += 1) {
      const result = evaluate(index);
      if (result instanceof Promise) await result;
    }
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (runs * identitiesCount);
}

function report(comparisons: readonly Comparison[], { rounds }: BenchOptions): BenchReport {
  return {
    tables: comparisons.map((comparison) => ({
      marker: comparison.marker,
      text: tableOf(comparison),
      note: noteOf(comparison, rounds),
    })),
    plots: [],
    missed: comparisons
      .filter(({ isMissed }) => isMissed)
      .map(({ title, rows }) => {
        return `one identity, ${title}: ${timesOf(rows).toFixed(0)} times cheaper, below ${targetTimes}`;
      }),
    figures: { comparisons },
  };
}

function tableOf({ rows, hasTarget, isMissed }: Comparison): string {
  const cells = rows.map(({ name, us, timesCheaper }, row) => [
    name,
    measureText(us, row === 0 ? 0 : 1),
    row === 0 ? "1" : measureText(timesCheaper, 0),
    row === 1 && hasTarget ? verdictText(`≥ ${targetTimes}`, isMissed) : "none",
  ]);
  return tableText(["one identity", "CPU, µs", "times cheaper", "target"], cells);
}

function noteOf({ profile, title, decidedShare }: Comparison, rounds: number): string {
  const { features, segments, identityOverrides } = profile;
  const decided = `${Math.round(decidedShare * 100)} % of the flags are not the default`;
  return (
    `${features} features, ${segments} segments, ${identityOverrides} identity overrides; ${title}. ` +
    `Both engines agree; ${decided}; ${rounds} rounds.`
  );
}
