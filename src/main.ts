#!/usr/bin/env node
/**
 * Process entry: hands the command line to its command, and turns the outcome into an exit code.
 */
import { runCommandLine } from "./commands/command-line.ts";

process.exitCode = await runCommandLine(process.argv.slice(2), process);
