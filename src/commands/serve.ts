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
import { cutProcess, endProcess, logWritten } from "../services/process-end.ts";
import { renewCertificate } from "./certificate-renewal.ts";
import { ConfigurationReload } from "./configuration-reload.ts";
import { exitCodes } from "./exit-codes.ts";

/** How long an end may take that was asked for twice; then the last lines of the log are waited for. */
const cutEndMsMax = 1200;

export interface ServeOptions {
  readonly configPath?: string | undefined;
  readonly version: string;
}

/**
 * Runs until a signal asks it to end, and ends the process with the exit code.
 * @throws ConfigError where the configuration is wrong
 */
export async function serve({ configPath, version }: ServeOptions): Promise<never> {
  const files = new ReadFiles();
  const started = loadSettings({ configPath, readFile: files.read });
  const { settings, warnings } = started;
  const log = createLogger(settings.logging);
  for (const { path, message } of warnings) log.logger.warn({ setting: path }, message);
  const reload = new ConfigurationReload({ configPath, started, files, log });
  const exitCode = await runServer(settings, log, version, { reload });
  // Node would wait for a connection that is being made, which undici does not end: for seconds.
  process.exit(exitCode);
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
  log: ProcessLogger,
  version: string,
  { onListening, reload }: RunOptions = {},
): Promise<number> {
  const { logger } = log;
  const dieOfBug = (error: unknown): void => {
    logger.error({ err: error }, "An error that nobody caught: the process ends");
    void endProcess(exitCodes.failure, log, systemClock);
  };
  limitHeapGrowth();
  process.on("uncaughtException", dieOfBug);
  process.on("unhandledRejection", dieOfBug);
  const signals = listenForSignals();
  const cutEnd = (): void => void cutProcess(log, systemClock);
  void signals.second.then(() => setTimeout(cutEnd, cutEndMsMax).unref());
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
    logger.info({ signal: await Promise.race([signals.first, proxy.failed]) }, "Asked to end");
    hangups?.runWith(() => undefined);
    void signals.second.then((signal) => {
      logger.warn({ signal }, "Asked again: ending at once");
      proxy.cutDrain();
    });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    logger.error({}, error.message);
    return exitCodes.cannotListen;
  } finally {
    await logWritten(log, systemClock);
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

/** The first of SIGTERM and SIGINT to come, and the one after it. */
interface Signals {
  readonly first: Promise<NodeJS.Signals>;
  readonly second: Promise<NodeJS.Signals>;
}

function listenForSignals(): Signals {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const second = Promise.withResolvers<NodeJS.Signals>();
  const waiting = [first, second];
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => waiting.shift()?.resolve(signal));
  }
  return { first: first.promise, second: second.promise };
}
