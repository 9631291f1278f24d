/**
 * The command `check-config`: says whether the configuration is valid, and all that is wrong. It starts
 * nothing.
 */
import type { Environment } from "../config/environment-variables.ts";
import { loadSettings } from "../config/load-settings.ts";
import { ConfigError } from "../models/errors.ts";
import type { CommandOutput } from "./command-output.ts";
import { exitCodes } from "./exit-codes.ts";

/**
 * Runs the command.
 *
 * @param options `configPath` as `loadSettings` takes it; `environment`, the process's variables unless given
 * @returns the exit code: 0 for a valid configuration, 64 for a faulty one
 */
export function checkConfig(
  output: CommandOutput,
  options: { readonly configPath?: string | undefined; readonly environment?: Environment | undefined } = {},
): number {
  try {
    const { settings, warnings, configPath } = loadSettings(options);
    for (const { path, message } of warnings) output.stderr.write(`warning: ${path}: ${message}\n`);
    const count = settings.environments.length;
    const served = count === 1 ? "1 environment" : `${count} environments`;
    const source = configPath ?? "environment variables alone";
    const { apiUrl, proxyKey } = settings.upstream;
    const others = proxyKey === null || settings.isOffline ? "" : " and those that proxy_key opens";
    output.stdout.write(`configuration is valid: ${source}, ${served}${others} from ${apiUrl}\n`);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    output.stderr.write(`${error.message}\n`);
    return exitCodes.faultyConfiguration;
  }
}
