/**
 * The command `health`: asks a running proxy whether it is well, for container probes and for people. It
 * reads the configuration only to find the port.
 */
import { loadSettings } from "../config/load-settings.ts";
import { ConfigError } from "../models/errors.ts";
import type { CommandOutput } from "./command-output.ts";
import { exitCodes } from "./exit-codes.ts";

export interface HealthCommandOptions {
  readonly configPath?: string | undefined;
  /** What to ask; without a path, the path of readiness or liveness; without it the configured address. */
  readonly url?: string | undefined;
  /** Asks only whether the process lives: right for probes that restart a container. */
  readonly liveness?: boolean | undefined;
}

const timeoutMs = 3000;
const defaultPort = 8000;

/** @returns 0 where the proxy answers 2xx, else 1; 64 for a faulty URL; what it answered is printed */
export async function checkHealth(output: CommandOutput, options: HealthCommandOptions): Promise<number> {
  const path = options.liveness ? "/proxy/health/liveness" : "/proxy/health/readiness";
  const url = URL.parse(options.url ?? configuredOrigin(options.configPath));
  if (url === null || (options.liveness && url.pathname !== "/")) {
    output.stderr.write(
      "--url takes an address such as http://127.0.0.1:8000; with a path it stands alone\n",
    );
    return exitCodes.faultyConfiguration;
  }
  if (url.pathname === "/") url.pathname = path;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: "manual" });
    const body = await response.text();
    output.stdout.write(`${url.href}: ${response.status}${body === "" ? "" : ` ${body}`}\n`);
    return response.ok ? exitCodes.ok : exitCodes.failure;
  } catch (error) {
    output.stderr.write(`${url.href}: no answer (${reasonOf(error)}); is the proxy running there?\n`);
    return exitCodes.failure;
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const { code, message } = cause as { code?: string; message?: string };
  return code ?? message ?? String(cause);
}

/** Where a proxy with the present configuration listens, as seen from this machine. */
function configuredOrigin(configPath: string | undefined): string {
  try {
    const { host, port } = loadSettings({ configPath }).settings.server;
    const reachable = host === "0.0.0.0" || host === "" ? "127.0.0.1" : host === "::" ? "::1" : host;
    return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return `http://127.0.0.1:${defaultPort}`;
  }
}
