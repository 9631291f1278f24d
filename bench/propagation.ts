/**
 * How soon a change counts, by each way in which the proxy may learn of it (`propagation-ways.ts`): of flags,
 * of keys, of the configuration. Exits 1 where a target is missed. Options: see `runBenchmark`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchOptions, type BenchReport, runBenchmark, showProgress } from "./bench-command.ts";
import { type BuiltProxy, buildProxy } from "./built-proxy.ts";
import { pollSeconds, streams, type Way, ways, workers } from "./propagation-ways.ts";
import { countText, tableText, verdictText } from "./statistics.ts";

/** The proxy refreshes an environment at most once a second. */
const pauseMsMin = 1200;
/** Random beyond that, so that changes come at any moment between two polls. */
const pauseMsMax = pauseMsMin + 1000 * pollSeconds;

interface WayResult extends Way {
  /** Milliseconds to the last client, of each change, the shortest first. */
  readonly lastMs: readonly number[];
}

await runBenchmark(1, async (options) => report(await measureAll(options), options));

async function measureAll({ rounds, includes }: BenchOptions): Promise<WayResult[]> {
  using built = await buildProxy();
  const results: WayResult[] = [];
  for (const way of ways.filter(({ name }) => includes(name))) {
    const lastMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) lastMs.push(...(await measureRound(way, built)));
    results.push({ ...way, lastMs: lastMs.toSorted((left, right) => left - right) });
  }
  return results;
}

async function measureRound({ name, changes, start }: Way, built: BuiltProxy): Promise<number[]> {
  await using proxy = await start(built);
  const lastMs: number[] = [];
  while (lastMs.length < changes) {
    await sleep(pauseMsMin + Math.random() * (pauseMsMax - pauseMsMin));
    lastMs.push(await proxy.change());
    showProgress(`${name}: change ${lastMs.length} of ${changes}`);
  }
  return lastMs;
}

function report(results: readonly WayResult[], { rounds }: BenchOptions): BenchReport {
  const atShare = ({ lastMs }: WayResult, share: number) =>
    lastMs[Math.ceil(share * lastMs.length) - 1] ?? Number.NaN;
  const isMissed = (result: WayResult) =>
    result.targetMs !== null && !(atShare(result, 0.99) <= result.targetMs);
  const rows = results.map((result) => [
    result.name,
    result.seen,
    countText(result.lastMs.length),
    ...[0.5, 0.99, 1].map((share) => atShare(result, share).toFixed(0)),
    result.targetMs === null ? "none" : verdictText(`p99 ≤ ${result.targetMs} ms`, isMissed(result)),
  ]);
  const head = ["a change by", "until", "changes", "p50, ms", "p99, ms", "most, ms", "target"];
  const note =
    `Until the last of ${streams} clients of ${workers} workers is told, or every worker answers the new ` +
    "key with 200. In it: a wait of up to 0.1 s that spreads a fleet's refreshes (events, webhooks), the " +
    "wait for the next poll or look at the file, the fetch, reading, compiling, the roll-out. " +
    `50 features; changes at random moments, ${rounds} ${rounds === 1 ? "round" : "rounds"}.`;
  const missed = results.filter(isMissed).map((result) => {
    const p99 = atShare(result, 0.99).toFixed(0);
    return `propagation: p99 ${p99} ms by ${result.name}, above ${result.targetMs}`;
  });
  const figures = Object.fromEntries(results.map(({ name, lastMs }) => [name, lastMs]));
  const tables = [{ marker: "propagation", text: tableText(head, rows), note }];
  return { tables, plots: [], missed, figures };
}
