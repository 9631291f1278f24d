/**
 * Runs the fault suite alone, long with `--long`, less with `--middle`; names of its files pick some, other
 * words are vitest's.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const words = process.argv.slice(2);
const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const scales = ["long", "middle"];
const scale = scales.find((each) => words.includes(`--${each}`)) ?? "short";
const isName = (word: string) => existsSync(new URL(`${word}.test.ts`, import.meta.url));
const names = words.filter(isName).map((name) => `test/faults/${name}`);
const others = words.filter((word) => !isName(word) && !scales.includes(word.replace("--", "")));
const files = names.length > 0 ? names : ["test/faults"];
const { status } = spawnSync(process.execPath, [vitest, "run", ...files, ...others], {
  stdio: "inherit",
  env: { ...process.env, FAULTS: scale },
});
process.exitCode = status ?? 1;
