/**
 * The command `render-config`: prints a configuration file with every setting at its default. It reads
 * nothing.
 */
import { placeholderMark } from "../config/config-checks.ts";
import { defaultConfigFile } from "../config/load-settings.ts";
import type { CommandOutput } from "./command-output.ts";
import { exitCodes } from "./exit-codes.ts";

/**
 * Runs the command. What it prints starts this program and proxy-py as it is, but for the keys.
 *
 * @returns the exit code: 0
 */
export function renderConfig(output: Pick<CommandOutput, "stdout">): number {
  const pair = {
    server_side_key: `ser.${placeholderMark}your-server-side-key`,
    client_side_key: `${placeholderMark}your-client-side-key`,
    file: null,
  };
  const file = { ...defaultConfigFile(), environment_key_pairs: [pair] };
  output.stdout.write(`${JSON.stringify(file, null, 2)}\n`);
  return exitCodes.ok;
}
