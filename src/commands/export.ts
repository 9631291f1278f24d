/**
 * The command `export`: writes an environment document to a file, as SDKs in offline mode and
 * `environment_key_pairs[].file` read it. It fetches from the upstream, or from a running proxy.
 */
import { writeFile } from "node:fs/promises";
import { loadSettings } from "../config/load-settings.ts";
import { UpstreamError } from "../models/errors.ts";
import type { Settings } from "../models/settings.ts";
import { systemClock } from "../services/clock.ts";
import { joinPages } from "../services/documents/pack-document.ts";
import { joinBlocks } from "../services/documents/page-blocks.ts";
import { nextActions } from "../services/upstream/next-actions.ts";
import { UpstreamClient } from "../services/upstream/upstream-client.ts";
import type { CommandOutput } from "./command-output.ts";
import { exitCodes } from "./exit-codes.ts";
import { findEnvironment } from "./exported-environment.ts";

export interface ExportOptions {
  readonly configPath?: string | undefined;
  /**
   * A client or server key of the configuration, or its position there, counted from 1; or a key of an
   * environment that the configuration's proxy key opens.
   */
  readonly environment: string;
  /**
   * The file; `-` for standard output; without it `environment-<position>.json`, or `environment.json` where
   * the configuration does not list it.
   */
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
  const userAgent = `flag-edge-proxy/${options.version}`;
  const { environment, url } = options;
  const found = await findEnvironment(settings, { environment, isOfProxy: url !== undefined, userAgent });
  if ("fault" in found) {
    output.stderr.write(`${found.fault}\n`);
    return found.exitCode;
  }
  try {
    const text = await fetchText(settings, found.serverKey, url, userAgent);
    const file = options.file ?? found.fileName;
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

async function fetchText(
  { upstream: settings }: Settings,
  serverKey: string,
  url: string | undefined,
  userAgent: string,
): Promise<string> {
  await using upstream = new UpstreamClient({
    // A proxy needs the server key alone; what else the upstream may see is not for it.
    settings:
      url === undefined
        ? settings
        : { ...settings, apiUrl: url.replace(/\/+$/, ""), proxyKey: null, clientCertificate: null },
    userAgent,
    clock: systemClock,
  });
  const answer = await upstream.fetchDocument({ serverKey, ifModifiedSince: null });
  // Without a condition there is no 304; the client refuses one that comes all the same.
  return answer.kind === "document" ? Buffer.from(joinPages(answer.pages.map(joinBlocks))).toString() : "";
}
