/** Runs the fault suite alone, long with `--long`; other options are vitest's. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const words = process.argv.slice(2);
const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const others = words.filter((word) => word !== "--long");
const { status } = spawnSync(process.execPath, [vitest, "run", "test/faults", ...others], {
  stdio: "inherit",
  env: { ...process.env, FAULTS: words.includes("--long") ? "long" : "short" },
});
process.exitCode = status ?? 1;
