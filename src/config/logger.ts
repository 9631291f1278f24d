/**
 * Makes the process's logger: the only file that knows pino. It must not write the options or headers that
 * undici's errors carry: they hold keys.
 */
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import { prettyFactory } from "pino-pretty";
import type { LoggingSettings, LogLevel } from "../models/settings.ts";
import { LineSink } from "./line-sink.ts";
import { serializeError } from "./serialize-error.ts";

/** A logger, and the way to make sure that nothing of it is lost. */
export interface ProcessLogger {
  readonly logger: Logger;
  /** Lines below this level are left out from now on. */
  setLevel(level: LogLevel): void;
  /** Resolves once all is written that was logged: see `LineSink`. It never rejects. */
  flush(): Promise<void>;
  /** Whether a thread is just writing: until it has, the process cannot exit. */
  isWriting(): boolean;
}

const pinoLevels: Readonly<Record<LogLevel, string>> = {
  CRITICAL: "fatal",
  ERROR: "error",
  WARNING: "warn",
  INFO: "info",
  DEBUG: "debug",
  NOTSET: "trace",
};

/**
 * Makes a logger.
 *
 * @param settings `generic` writes readable lines, `json` one object a line: `level` as a word, `timestamp`
 *   as ISO 8601 in UTC, and the message under the chosen name
 * @param output where the lines go; standard output unless given
 */
export function createLogger(settings: LoggingSettings, output?: DestinationStream): ProcessLogger {
  // Without an access log lines are few, and none may be lost: each is handed to the kernel at once.
  const standardOutput = new LineSink(1, settings.accessLog, (lines) =>
    logger.warn({ lines }, "Lines of this log are missing: nobody read them in time"),
  );
  const lines = output ?? standardOutput;
  const stream = settings.format === "generic" ? prettyStream(settings, lines) : lines;
  const logger = pino(
    {
      level: pinoLevels[settings.level],
      messageKey: settings.messageField,
      base: null,
      timestamp: isoTimestamp,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, error: serializeError, cause: serializeError },
    },
    stream,
  );
  return {
    logger,
    setLevel(level) {
      logger.level = pinoLevels[level];
    },
    flush: () => standardOutput.flush(),
    isWriting: () => standardOutput.isWriting,
  };
}

function isoTimestamp(): string {
  return stdTimeFunctions.isoTime().replace('"time"', '"timestamp"');
}

/** Readable lines, made in the caller's turn: what is logged just before an exit is written too. */
function prettyStream(settings: LoggingSettings, stream: DestinationStream): DestinationStream {
  const prettify = prettyFactory({
    colorize: settings.colours,
    colorizeObjects: settings.colours,
    messageKey: settings.messageField,
    timestampKey: "timestamp",
    levelKey: "level",
    translateTime: false,
    singleLine: true,
    messageFormat: (line, messageKey) => escapeControls(String(line[messageKey] ?? "")),
  });
  return { write: (line) => stream.write(prettify(line)) };
}

/** A message of two lines would look like two messages, and an escape sequence would steer the terminal. */
function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
