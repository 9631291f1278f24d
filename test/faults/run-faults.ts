/** Runs the fault suite alone, long with `--long`, less with `--middle`; other options are vitest's. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const words = process.argv.slice(2);
const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const scales = ["long", "middle"];
const scale = scales.find((each) => words.includes(`--${each}`)) ?? "short";
const others = words.filter((word) => !scales.includes(word.replace("--", "")));
// Beside another load no load tells how long answers take.
const alone = scale === "short" ? [] : ["--no-file-parallelism"];
const { status } = spawnSync(process.execPath, [vitest, "run", "test/faults", ...alone, ...others], {
  stdio: "inherit",
  env: { ...process.env, FAULTS: scale },
});
process.exitCode = status ?? 1;
