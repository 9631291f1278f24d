/**
 * Turns what undici, zlib and node throw into an `UpstreamError`. It must not carry over a message of theirs:
 * those quote addresses, headers and the upstream's text.
 */
import { UpstreamError, type UpstreamErrorCode } from "../../models/errors.ts";
import { errors } from "./undici-parts.ts";

const byErrorCode: Readonly<Record<string, UpstreamErrorCode>> = {
  ECONNREFUSED: "unreachable",
  ENOTFOUND: "unreachable",
  EHOSTUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  EACCES: "unreachable",
  EPERM: "unreachable",
  EMFILE: "unreachable",
  ENFILE: "unreachable",
  // The three ways in which undici says that a forward proxy refused the connection: 502, closed, 407.
  UND_ERR_ABORTED: "unreachable",
  UND_ERR_PRX_CONN: "unreachable",
  UND_ERR_INVALID_ARG: "unreachable",
  ETIMEDOUT: "timeout",
  UND_ERR_CONNECT_TIMEOUT: "timeout",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  UND_ERR_BODY_TIMEOUT: "timeout",
  ECONNRESET: "connection_lost",
  ECONNABORTED: "connection_lost",
  EPIPE: "connection_lost",
  ERR_STREAM_PREMATURE_CLOSE: "connection_lost",
  UND_ERR_SOCKET: "connection_lost",
  UND_ERR_CLOSED: "connection_lost",
  UND_ERR_DESTROYED: "connection_lost",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "connection_lost",
  UND_ERR_RES_EXCEEDED_MAX_SIZE: "too_large",
  UND_ERR_HEADERS_OVERFLOW: "too_large",
  UND_ERR_PRX_TLS: "tls_failure",
  EPROTO: "tls_failure",
};

/** Families of error codes, by how they begin. OpenSSL's verification codes have no prefix of their own. */
const byErrorCodeFamily: readonly (readonly [RegExp, UpstreamErrorCode])[] = [
  [/^EAI_/, "unreachable"],
  [/^HPE_/, "connection_lost"],
  [/^(Z_|ERR__|ERR_ZLIB|ERR_BROTLI)/, "bad_encoding"],
  [/^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|ERROR_IN_C)/, "tls_failure"],
  [/^(DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH_)/, "tls_failure"],
];

const sentences: Partial<Record<UpstreamErrorCode, string>> = {
  unreachable: "No connection to the upstream",
  timeout: "The upstream did not answer in time",
  connection_lost: "The connection to the upstream ended before the answer was complete",
  tls_failure: "The upstream's certificate or TLS handshake was not accepted",
  bad_encoding: "The upstream's answer cannot be inflated",
  too_large: "The upstream's answer is larger than the limit",
};

/**
 * The kinds that speak of the whole upstream and not of one environment: they count for the circuit breaker.
 */
const upstreamWide: ReadonlySet<UpstreamErrorCode> = new Set(["unreachable", "tls_failure"]);

/**
 * @returns an `UpstreamError` whose message ends in the code of the cause, such as `(ECONNREFUSED)`; the
 *   thrown thing itself where it is none of the network's faults, as that is a bug
 */
export function toUpstreamError(thrown: unknown): unknown {
  if (thrown instanceof UpstreamError) return thrown;
  const errorCode = errorCodeOf(thrown);
  if (errorCode === null) return thrown;
  const family = byErrorCodeFamily.find(([pattern]) => pattern.test(errorCode));
  const code = byErrorCode[errorCode] ?? family?.[1];
  if (code === undefined) return thrown;
  return new UpstreamError(code, `${sentences[code] ?? "The refresh failed"} (${errorCode})`, {
    cause: thrown,
  });
}

/** Whether a failed request says that the upstream as a whole is unwell. */
export function isUpstreamWide(thrown: unknown): boolean {
  return thrown instanceof UpstreamError && upstreamWide.has(thrown.code);
}

/**
 * Whether a connection broke before an answer began. On a connection kept alive this is a race of the
 * protocol (nodejs/node#47130), and a GET may be sent again at once.
 */
export function isBrokenConnection(thrown: unknown): boolean {
  const errorCode = errorCodeOf(thrown);
  return errorCode === "ECONNRESET" || errorCode === "EPIPE" || errorCode === "UND_ERR_SOCKET";
}

function errorCodeOf(thrown: unknown): string | null {
  // undici gives some of its parser's errors no code, such as for an answer that is not HTTP at all.
  if (thrown instanceof errors.HTTPParserError) return thrown.code ?? "HPE_INVALID";
  if (!(thrown instanceof Error) || !("code" in thrown)) return null;
  return typeof thrown.code === "string" ? thrown.code : null;
}
