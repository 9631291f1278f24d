/** Runs some of the tests, for commands that do it in another way than `npm test`. It chooses none itself. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * @param words for the command line of `vitest run`: parts of files' names, and options
 * @param variables that tests read, beside those of this process
 * @returns an exit code
 */
export function runVitest(words: readonly string[], variables: Readonly<Record<string, string>>): number {
  const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
  const { status } = spawnSync(process.execPath, [vitest, "run", ...words], {
    stdio: "inherit",
    env: { ...process.env, ...variables },
  });
  return status ?? 1;
}
