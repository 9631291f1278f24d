/**
 * The three families of expected errors. Anything else that is thrown is a bug: 500 without detail, logged
 * with its stack. The mapping to HTTP lives in `routes/error-responses.ts` alone.
 */

/** One fault of a request's body or query, in the shape the contract gives it (A3). */
export interface ValidationDetail {
  /** Where: `"body"` or `"query"`, then field names and list positions. */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** The closed set of codes a caller can be answered with (contract A3). */
export type RequestErrorCode =
  | "bad_request"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "payload_too_large"
  | "unsupported_media_type"
  | "unprocessable_entity"
  | "service_unavailable"
  | "overloaded";

/**
 * The caller's error: its code, message and detail are sent to the caller as they are. A value to return,
 * not an exception to throw: it holds no stack, so that a flood of bad requests costs little.
 */
export class RequestError {
  readonly code: RequestErrorCode;
  readonly message: string;
  readonly detail: readonly ValidationDetail[] | null;

  /**
   * @param code the status slug of the answer
   * @param message one sentence for the caller; never an upstream's text, never a partner key
   * @param detail one entry for each fault, for `unprocessable_entity` alone
   */
  constructor(code: RequestErrorCode, message: string, detail: readonly ValidationDetail[] | null = null) {
    this.code = code;
    this.message = message;
    this.detail = detail;
  }
}

/**
 * Why a refresh, or the discovery of environments, failed. Health shows the code; the log shows the message
 * and the next action (`services/upstream/next-actions.ts`).
 */
export type UpstreamErrorCode =
  | "unreachable"
  | "timeout"
  | "connection_lost"
  | "tls_failure"
  | "key_rejected"
  | "rate_limited"
  | "server_error"
  | "unexpected_status"
  | "unexpected_not_modified"
  | "not_json"
  | "bad_encoding"
  | "too_large"
  | "redirect_refused"
  | "page_refused"
  | "circuit_open"
  | "document_invalid"
  | "other_environment"
  | "document_shrunk"
  | "no_file"
  | "reader_failed"
  | "document_fatal"
  | "no_worker"
  | "list_invalid";

/** The upstream's fault: operators see it in logs and health, callers never. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly code: UpstreamErrorCode;
  /** How long the upstream asked us to wait, in milliseconds; null where it did not ask. */
  readonly retryAfterMs: number | null;

  /**
   * @param code the kind of failure, a closed set
   * @param message one sentence for the operator; holds no key and no body of the upstream
   * @param options `cause` is kept for the log; `retryAfterMs` as asked by the upstream
   */
  constructor(
    code: UpstreamErrorCode,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | null } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** One fault of the configuration: where, what is wrong, and what to do. */
export interface ConfigFault {
  /** The setting's path, such as `server.port`, or the file's path where the whole file is at fault. */
  readonly path: string;
  readonly fault: string;
  readonly remedy: string;
}

/** The operator's error: all faults of a configuration at once (contract A12, exit code 64). */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly ConfigFault[];

  /**
   * @param faults at least one
   * @param warnings remarks on other settings, such as an unknown name, which may be the cause of a fault
   */
  constructor(
    faults: readonly ConfigFault[],
    warnings: readonly { readonly path: string; readonly message: string }[] = [],
  ) {
    const faultLines = faults.map((each) => `${each.path}: ${each.fault}. ${each.remedy}`);
    const warningLines = warnings.map(({ path, message }) => `warning: ${path}: ${message}`);
    super([...faultLines, ...warningLines].join("\n"));
    this.faults = faults;
  }
}
