/**
 * The logger as the services see it: the part of pino's interface that they use. `config/logger.ts` makes the
 * real one. Never hand it a key, a header object, a configuration or an undici error.
 */

/** One log line: the fields first, then the sentence. */
type LogLine = (fields: Readonly<Record<string, unknown>>, message: string) => void;

export interface Logger {
  readonly error: LogLine;
  readonly warn: LogLine;
  readonly info: LogLine;
  readonly debug: LogLine;
}
