/**
 * The command `export`: writes an environment document to a file, as SDKs in offline mode and
 * `environment_key_pairs[].file` read it. It fetches from the upstream, or from a running proxy.
 */
import { writeFile } from "node:fs/promises";
import { loadSettings } from "../config/load-settings.ts";
import { UpstreamError } from "../models/errors.ts";
import type { EnvironmentKeyPair, Settings } from "../models/settings.ts";
import { systemClock } from "../services/clock.ts";
import { joinPages } from "../services/documents/pack-document.ts";
import { joinBlocks } from "../services/documents/page-blocks.ts";
import { nextActions } from "../services/upstream/next-actions.ts";
import { UpstreamClient } from "../services/upstream/upstream-client.ts";
import type { CommandOutput } from "./command-output.ts";
import { exitCodes } from "./exit-codes.ts";

export interface ExportOptions {
  readonly configPath?: string | undefined;
  /** A client or server key of the configuration, or its position there, counted from 1. */
  readonly environment: string;
  /** The file; `-` for standard output; without it `environment-<position>.json`. */
  readonly file?: string | undefined;
  /**
   * The API's URL to fetch from, such as a running proxy's `…/api/v1`; without it the configured upstream.
   */
  readonly url?: string | undefined;
  readonly version: string;
}

/** @returns the exit code; the file's name is printed */
export async function exportDocument(output: CommandOutput, options: ExportOptions): Promise<number> {
  const { settings } = loadSettings({ configPath: options.configPath });
  if (options.url !== undefined && !/^https?:$/.test(URL.parse(options.url)?.protocol ?? "")) {
    output.stderr.write("export: --url takes an API's address, such as http://127.0.0.1:8000/api/v1\n");
    return exitCodes.faultyConfiguration;
  }
  const position = findEnvironment(settings.environments, options.environment);
  const pair = settings.environments[position];
  if (pair === undefined) {
    const count = settings.environments.length;
    output.stderr.write(
      `no environment of the configuration has this key: give one of its keys, or its position ` +
        `from 1 to ${count}\n`,
    );
    return exitCodes.faultyConfiguration;
  }
  try {
    const text = await fetchText(settings, pair, options);
    const file = options.file ?? `environment-${position + 1}.json`;
    if (file === "-") output.stdout.write(`${text}\n`);
    else await writeFile(file, text, { mode: 0o600 });
    output.stderr.write(
      `exported ${Buffer.byteLength(text)} bytes to ${file === "-" ? "standard output" : file}\n`,
    );
    return exitCodes.ok;
  } catch (error) {
    const reason =
      error instanceof UpstreamError
        ? `${error.message}. ${nextActions[error.code]}`
        : `the file cannot be written: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`;
    output.stderr.write(`${reason}\n`);
    return exitCodes.failure;
  }
}

function findEnvironment(pairs: readonly EnvironmentKeyPair[], wanted: string): number {
  if (/^\d{1,4}$/.test(wanted)) return Number(wanted) - 1;
  return pairs.findIndex(({ clientSideKey, serverSideKey }) =>
    [clientSideKey, serverSideKey].includes(wanted),
  );
}

async function fetchText(
  { upstream: settings }: Settings,
  { serverSideKey }: EnvironmentKeyPair,
  { url, version }: ExportOptions,
): Promise<string> {
  await using upstream = new UpstreamClient({
    // A proxy needs the server key alone; what else the upstream may see is not for it.
    settings:
      url === undefined
        ? settings
        : { ...settings, apiUrl: url.replace(/\/+$/, ""), proxyKey: null, clientCertificate: null },
    userAgent: `flag-edge-proxy/${version}`,
    clock: systemClock,
  });
  const answer = await upstream.fetchDocument({ serverKey: serverSideKey, ifModifiedSince: null });
  // Without a condition there is no 304; the client refuses one that comes all the same.
  return answer.kind === "document" ? Buffer.from(joinPages(answer.pages.map(joinBlocks))).toString() : "";
}
