/**
 * How often a fuzz test runs, and from which seed: a few runs from kept seeds in `npm test`, as many as asked
 * for by `npm run test:fuzz`. It decides nothing of what is tried.
 */

/** Seeds that `npm test` begins with: the same cases each time. A seed that found something is added. */
const keptSeeds: readonly number[] = [20_261_121, 5];

export interface FuzzRun {
  readonly seed: number;
  readonly numRuns: number;
}

/**
 * One run for each kept seed, or the one that `FUZZ_RUNS` and `FUZZ_SEED` ask for.
 * @param runs how many in `npm test`, over all seeds
 * @param casesPerRun how many of what the user counts are tried at a time
 * @throws where a variable is no whole number
 */
export function fuzzRuns(runs: number, casesPerRun = 1): FuzzRun[] {
  const asked = wholeNumber("FUZZ_RUNS");
  const seed = wholeNumber("FUZZ_SEED");
  const numRuns = Math.ceil((asked ?? runs) / casesPerRun);
  if (seed !== null) return [{ seed, numRuns }];
  return keptSeeds.map((kept) => ({ seed: kept, numRuns: Math.ceil(numRuns / keptSeeds.length) }));
}

/** So long a test may take: what `npm test` runs is short, what was asked for has no end of its own. */
export function fuzzTimeoutMs(): number {
  return wholeNumber("FUZZ_RUNS") === null ? 60_000 : 24 * 3_600_000;
}

function wholeNumber(name: string): number | null {
  const text = process.env[name];
  if (text === undefined || text === "") return null;
  if (!/^\d+$/.test(text)) throw new Error(`${name} is no whole number: ${text}`);
  return Number(text);
}
