/**
 * Runs the fault suite alone, long with `--long`, less with `--middle`; names of its files pick some, other
 * words are vitest's.
 */
import { existsSync } from "node:fs";
import { runVitest } from "../support/run-vitest.ts";

const words = process.argv.slice(2);
const scales = ["long", "middle"];
const scale = scales.find((each) => words.includes(`--${each}`)) ?? "short";
const isName = (word: string) => existsSync(new URL(`${word}.test.ts`, import.meta.url));
const names = words.filter(isName).map((name) => `test/faults/${name}`);
const others = words.filter((word) => !isName(word) && !scales.includes(word.replace("--", "")));
const files = names.length > 0 ? names : ["test/faults"];
process.exitCode = runVitest([...files, ...others], { FAULTS: scale });
