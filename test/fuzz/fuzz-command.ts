/**
 * `npm run test:fuzz -- [--runs 100000] [--seed 7] [part of a test file's name]`: the fuzz tests with more
 * runs, from a new seed unless one is given. It prints the seed, which repeats the same cases.
 */
import { parseArgs } from "node:util";
import { runVitest } from "../support/run-vitest.ts";

const { values, positionals } = parseArgs({
  options: { runs: { type: "string", default: "100000" }, seed: { type: "string" } },
  allowPositionals: true,
});
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
process.stdout.write(`Fuzzing with --runs ${values.runs} --seed ${seed}\n`);
const filters = positionals.length > 0 ? positionals.map((name) => `test/fuzz/${name}`) : ["test/fuzz/"];
process.exitCode = runVitest(filters, { FUZZ_RUNS: values.runs, FUZZ_SEED: seed });
