/**
 * The command `serve`: loads the configuration, runs the proxy, and ends it in order on SIGTERM or SIGINT.
 * It owns the process's signals and last words.
 */

import { startProxy } from "../cluster.ts";
import { loadSettings } from "../config/load-settings.ts";
import { createLogger, type ProcessLogger } from "../config/logger.ts";
import type { Settings } from "../models/settings.ts";
import { limitHeapGrowth } from "../services/garbage-collection.ts";
import { ListenError } from "../services/listener/http-listener.ts";
import { renewOnHangup } from "./certificate-renewal.ts";
import { exitCodes } from "./exit-codes.ts";

export interface ServeOptions {
  readonly configPath?: string | undefined;
  readonly version: string;
}

/**
 * Runs until a signal asks it to end.
 * @returns the exit code
 * @throws ConfigError where the configuration is wrong
 */
export async function serve({ configPath, version }: ServeOptions): Promise<number> {
  const { settings, warnings } = loadSettings({ configPath });
  const log = createLogger(settings.logging);
  for (const { path, message } of warnings) log.logger.warn({ setting: path }, message);
  return await runServer(settings, log, version);
}

/**
 * Serves with these settings until SIGTERM or SIGINT; a second signal ends the drain at once.
 * @param onListening told once, with the proxy's URL
 * @returns the exit code
 */
export async function runServer(
  settings: Settings,
  { logger, flush }: ProcessLogger,
  version: string,
  onListening: (url: string) => void = () => undefined,
): Promise<number> {
  const dieOfBug = (error: unknown): void => {
    logger.error({ err: error }, "An error that nobody caught: the process ends");
    flush();
    process.exit(exitCodes.failure);
  };
  limitHeapGrowth();
  process.on("uncaughtException", dieOfBug);
  process.on("unhandledRejection", dieOfBug);
  const signals = listenForSignals();
  const { tls } = settings.server;
  const renewOf = tls === null ? () => undefined : renewOnHangup(tls, logger);
  try {
    await using proxy = await startProxy(settings, logger, version);
    renewOf(proxy);
    onListening(proxy.url);
    logger.info({ signal: await Promise.race([signals.next(), proxy.failed]) }, "Asked to end");
    void signals.next().then((signal) => {
      logger.warn({ signal }, "Asked again: ending at once");
      proxy.cutDrain();
    });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    logger.error({}, error.message);
    return exitCodes.cannotListen;
  } finally {
    flush();
  }
  return exitCodes.ok;
}

/** Turns SIGTERM and SIGINT into promises, in the order they come. */
function listenForSignals(): { next(): Promise<NodeJS.Signals> } {
  const came: NodeJS.Signals[] = [];
  const waiting: ((signal: NodeJS.Signals) => void)[] = [];
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      const waiter = waiting.shift();
      if (waiter === undefined) came.push(signal);
      else waiter(signal);
    });
  }
  return {
    next: () =>
      new Promise((resolve) => {
        const signal = came.shift();
        if (signal === undefined) waiting.push(resolve);
        else resolve(signal);
      }),
  };
}
