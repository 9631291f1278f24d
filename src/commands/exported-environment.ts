/**
 * Which environment the command `export` means: one of the configuration, or one that its proxy key opens. It
 * fetches no document.
 */
import { UpstreamError } from "../models/errors.ts";
import type { EnvironmentSettings, Settings } from "../models/settings.ts";
import { systemClock } from "../services/clock.ts";
import { environmentsOf, readDiscovered } from "../services/environments/discovered-list.ts";
import { proxyKeyAction } from "../services/upstream/next-actions.ts";
import { UpstreamClient } from "../services/upstream/upstream-client.ts";
import { exitCodes } from "./exit-codes.ts";

export interface ExportedEnvironment {
  /** The document is fetched with it. */
  readonly serverKey: string;
  /** The document has it as its api_key; null where that is not known. */
  readonly clientKey: string | null;
  /** Of the file, unless somebody names it. */
  readonly fileName: string;
}

/** Why there is none, in one line, and the exit code that goes with it. */
export interface NotFound {
  readonly fault: string;
  readonly exitCode: number;
}

interface Wanted {
  /** One of its keys, or its position in the configuration, counted from 1. */
  readonly environment: string;
  /** Whether a running proxy is asked for the document: it knows its server keys itself. */
  readonly isOfProxy: boolean;
  readonly userAgent: string;
}

/** Looks in the configuration first, so that the upstream need not be there for it. */
export async function findEnvironment(
  settings: Settings,
  { environment, isOfProxy, userAgent }: Wanted,
): Promise<ExportedEnvironment | NotFound> {
  const { environments, upstream } = settings;
  const position = positionOf(environments, environment);
  const configured = environments[position];
  if (configured !== undefined) {
    const { clientSideKey: clientKey, serverSideKey: serverKey } = configured;
    return { serverKey, clientKey, fileName: `environment-${position + 1}.json` };
  }
  if (isOfProxy && environment.startsWith("ser.")) return notConfigured(environment, null);
  if (upstream.proxyKey === null) return notFound(environments.length, "");
  try {
    const found = await discover(upstream, environment, userAgent);
    return found ?? notFound(environments.length, ", and none that proxy_key opens,");
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    const advice = "Or give the environment's server key, and the --url of a running proxy.";
    const fault = `${error.message}. ${proxyKeyAction(error.code)} ${advice}`;
    return { fault, exitCode: exitCodes.failure };
  }
}

function notConfigured(serverKey: string, clientKey: string | null): ExportedEnvironment {
  return { serverKey, clientKey, fileName: "environment.json" };
}

/** @param others which environments were looked through beside those of the configuration */
function notFound(environments: number, others: string): NotFound {
  const position = environments === 0 ? "" : `, or its position from 1 to ${environments}`;
  return {
    fault: `no environment of the configuration${others} has this key: give one of its keys${position}`,
    exitCode: exitCodes.faultyConfiguration,
  };
}

function positionOf(environments: readonly EnvironmentSettings[], wanted: string): number {
  if (/^\d{1,4}$/.test(wanted)) return Number(wanted) - 1;
  return environments.findIndex(({ clientSideKey, serverSideKey }) =>
    [clientSideKey, serverSideKey].includes(wanted),
  );
}

/**
 * @returns the environment that the key opens, with a valid server key; null where there is none
 * @throws UpstreamError where the list of environments cannot be had
 */
async function discover(
  settings: Settings["upstream"],
  wanted: string,
  userAgent: string,
): Promise<ExportedEnvironment | null> {
  await using upstream = new UpstreamClient({ settings, userAgent, clock: systemClock });
  const { pages } = await upstream.fetchEnvironments();
  for (const { keys } of environmentsOf(readDiscovered(pages), systemClock.wallTime())) {
    const serverKeys = keys.serverKeys.map(({ key }) => key);
    const [serverKey] = serverKeys;
    if (serverKey === undefined) continue;
    if (keys.clientSideKey === wanted || serverKeys.includes(wanted)) {
      return notConfigured(serverKey, keys.clientSideKey);
    }
  }
  return null;
}
