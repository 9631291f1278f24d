/** Whether an answer that comes before its request's body may wait for the rest of it. It reads nothing. */
import type { IncomingMessage } from "node:http";

/**
 * What is left of a short body is read for the sake of the connection. That of one that may be long is not
 * worth it: chunks of a byte cost the parser 1.5 µs each, and nobody wants them.
 * @param bytesMax of a body that counts as short
 * @returns whether the answer has to close the connection
 */
export function leavesLongBody({ complete, headers }: IncomingMessage, bytesMax: number): boolean {
  if (complete) return false;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > bytesMax;
}
