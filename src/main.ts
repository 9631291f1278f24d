#!/usr/bin/env node
/**
 * Process entry: hands the command line to its command, and turns the outcome into an exit code.
 */
import { runCommandLine } from "./commands/command-line.ts";

/** Of package.json and the examples. This file is as deep in it after a build as before. */
const packageFolder = new URL("../", import.meta.url);
process.exitCode = await runCommandLine(process.argv.slice(2), process, packageFolder);
