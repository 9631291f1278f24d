/**
 * The command `health`: asks a running proxy whether it is well, for container probes and for people. It
 * reads the configuration only to find where to ask.
 */
import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import { text } from "node:stream/consumers";
import { loadServerSection } from "../config/load-settings.ts";
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
const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

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
    // Of this machine's own proxy no name and no date of a certificate matters: nothing secret is sent.
    const isOwn = options.url === undefined || loopback.test(url.hostname);
    const { status, body } = await ask(url, isOwn);
    output.stdout.write(`${url.href}: ${status}${body === "" ? "" : ` ${body}`}\n`);
    return status >= 200 && status < 300 ? exitCodes.ok : exitCodes.failure;
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

/** Redirects are not followed. @param trustsAny whether any certificate will do */
async function ask(url: URL, trustsAny: boolean): Promise<{ status: number; body: string }> {
  const options = { signal: AbortSignal.timeout(timeoutMs), agent: false };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked =
      url.protocol === "https:"
        ? getSecure(url, { ...options, rejectUnauthorized: !trustsAny }, resolve)
        : getPlain(url, options, resolve);
    asked.once("error", reject);
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** Where a proxy with the present configuration listens, as seen from this machine. */
function configuredOrigin(configPath: string | undefined): string {
  const server = loadServerSection({ configPath });
  if (server === null) return `http://127.0.0.1:${defaultPort}`;
  const { host, port, tls } = server;
  const reachable = host === "0.0.0.0" || host === "" ? "127.0.0.1" : host === "::" ? "::1" : host;
  const scheme = tls === null ? "http" : "https";
  return `${scheme}://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}
