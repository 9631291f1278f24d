/**
 * The command `serve`: loads the configuration, runs the proxy, and ends it in order on SIGTERM or SIGINT.
 * It owns the process's signals and last words.
 */
import { startProxy } from "../cluster.ts";
import { loadSettings } from "../config/load-settings.ts";
import { createLogger, type ProcessLogger } from "../config/logger.ts";
import { ReadFiles } from "../config/read-files.ts";
import type { Settings } from "../models/settings.ts";
import { systemClock } from "../services/clock.ts";
import { limitHeapGrowth } from "../services/garbage-collection.ts";
import { ListenError } from "../services/listener/http-listener.ts";
import { renewCertificate } from "./certificate-renewal.ts";
import { ConfigurationReload } from "./configuration-reload.ts";
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
  const files = new ReadFiles();
  const started = loadSettings({ configPath, readFile: files.read });
  const { settings, warnings } = started;
  const log = createLogger(settings.logging);
  for (const { path, message } of warnings) log.logger.warn({ setting: path }, message);
  const reload = new ConfigurationReload({ configPath, started, files, log });
  return await runServer(settings, log, version, { reload });
}

export interface RunOptions {
  /** Told once, with the proxy's URL. */
  readonly onListening?: (url: string) => void;
  /** Where the settings are read again; not given where they are of no file. */
  readonly reload?: ConfigurationReload;
}

/**
 * Serves with these settings until SIGTERM or SIGINT; a second signal ends the drain at once.
 * @returns the exit code
 */
export async function runServer(
  settings: Settings,
  { logger, flush }: ProcessLogger,
  version: string,
  { onListening, reload }: RunOptions = {},
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
  const hangups = reload === undefined ? null : listenForHangups();
  try {
    await using proxy = await startProxy(settings, logger, version);
    const { tls } = settings.server;
    hangups?.runWith(() => {
      if (tls !== null) renewCertificate(tls, proxy, logger);
      reload?.reload(proxy, true);
    });
    using _watch = reload?.watch(proxy, systemClock);
    onListening?.(proxy.url);
    logger.info({ signal: await Promise.race([signals.next(), proxy.failed]) }, "Asked to end");
    hangups?.runWith(() => undefined);
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

/** From now on SIGHUP does not end the process; one that comes before it is known what to do is kept. */
function listenForHangups(): { runWith(act: () => void): void } {
  let act: (() => void) | null = null;
  let hasCome = false;
  process.on("SIGHUP", () => {
    hasCome = true;
    act?.();
  });
  return {
    runWith(next) {
      const isLate = act === null && hasCome;
      act = next;
      if (isLate) next();
    },
  };
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
