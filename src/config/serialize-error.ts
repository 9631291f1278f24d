/**
 * What the log shows of an error: name, code, message and stack, and the same of its causes. Nothing else.
 */

/** An error as the log shows it. */
export interface SerializedError {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: SerializedError;
  /** The errors that an `AggregateError` gathers: one for each address that a connection was tried to. */
  readonly errors?: readonly SerializedError[];
}

const causesMax = 5;
const errorsMax = 4;

/** Of what is not an error, its type alone is shown. */
export function serializeError(error: unknown): SerializedError {
  return serialize(error, causesMax);
}

function serialize(error: unknown, causesLeft: number): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: "not an error" };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const errors: unknown = "errors" in error ? error.errors : undefined;
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause instanceof Error && causesLeft > 0
      ? { cause: serialize(error.cause, causesLeft - 1) }
      : {}),
    ...(Array.isArray(errors) && causesLeft > 0
      ? { errors: errors.slice(0, errorsMax).map((each) => serialize(each, causesLeft - 1)) }
      : {}),
  };
}
