/**
 * The command `export`: writes an environment document to a file, as SDKs in offline mode and
 * `environment_key_pairs[].file` read it. It fetches from the upstream, or from a running proxy, and writes
 * nothing that the proxy would not serve.
 */
import { loadSettings } from "../config/load-settings.ts";
import { UpstreamError } from "../models/errors.ts";
import type { Settings } from "../models/settings.ts";
import { systemClock } from "../services/clock.ts";
import { joinPages, packDocument } from "../services/documents/pack-document.ts";
import { joinBlocks } from "../services/documents/page-blocks.ts";
import { nextActions } from "../services/upstream/next-actions.ts";
import { UpstreamClient } from "../services/upstream/upstream-client.ts";
import type { CommandOutput } from "./command-output.ts";
import { exitCodes } from "./exit-codes.ts";
import { type ExportedEnvironment, findEnvironment } from "./exported-environment.ts";
import { writeDocument } from "./written-document.ts";

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
  const document = await fetchDocument(settings, found, url, userAgent).catch(failureOf);
  if (document instanceof UpstreamError) {
    output.stderr.write(`not exported: ${document.message}. ${nextActions[document.code]}\n`);
    return exitCodes.failure;
  }
  return await write(output, options.file ?? found.fileName, document);
}

/** @throws what is a bug */
function failureOf(error: unknown): UpstreamError {
  if (!(error instanceof UpstreamError)) throw error;
  return error;
}

async function write({ stdout, stderr }: CommandOutput, file: string, document: Buffer): Promise<number> {
  try {
    if (file === "-") stdout.write(`${document}\n`);
    else await writeDocument(file, document);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    stderr.write(`not exported: the file cannot be written: ${code}\n`);
    return exitCodes.failure;
  }
  stderr.write(`exported ${document.byteLength} bytes to ${file === "-" ? "standard output" : file}\n`);
  return exitCodes.ok;
}

/** @throws UpstreamError also where what came is no document, or another environment's */
async function fetchDocument(
  { upstream: settings }: Settings,
  { serverKey, clientKey }: ExportedEnvironment,
  url: string | undefined,
  userAgent: string,
): Promise<Buffer> {
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
  const pages = answer.kind === "document" ? answer.pages.map(joinBlocks) : [];
  const { body, facts } = packDocument(joinPages(pages));
  if (clientKey === null || facts.apiKey === clientKey) return Buffer.from(body);
  throw new UpstreamError(
    "other_environment",
    "The document's api_key is not the client key of this environment",
  );
}
