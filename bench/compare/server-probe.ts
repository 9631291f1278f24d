/** Single requests outside the measured windows: is the server there, and does it answer as it should? */
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { urlToHttpOptions } from "node:url";
import { bodyText, type ComparedCase, type ComparedRequest } from "./compared-case.ts";
import { ComparisonError } from "./comparison-errors.ts";

const answerLimitMs = 5000;
/** A server may be ready before it has its document. */
const settleAttempts = 20;
const settlePauseMs = 100;

export interface ProbeAnswer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: Buffer;
}

/** Sends one request on a connection of its own. @throws Error of the socket, or after five seconds */
export function probe(origin: string, request: ComparedRequest, signal: AbortSignal): Promise<ProbeAnswer> {
  const body = bodyText(request, 0);
  const length = body === "" ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const limit = AbortSignal.timeout(answerLimitMs);
  const options = {
    ...urlToHttpOptions(new URL(origin)),
    method: request.method,
    path: request.path,
    headers: { ...request.headers, ...length },
    agent: false,
    signal: AbortSignal.any([signal, limit]),
  };
  return new Promise((resolve, reject) => {
    const sent = httpRequest(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, etag: headers.etag ?? null, body: Buffer.concat(chunks) });
      });
    });
    sent.on("error", (error) => {
      reject(limit.aborted ? new Error(`no answer within ${answerLimitMs / 1000} s`) : error);
    });
    sent.end(body);
  });
}

/** Whether somebody accepts connections there. */
export function isListening(origin: string): Promise<boolean> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
    const settle = (isOpen: boolean) => () => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.on("connect", settle(true)).on("error", settle(false));
  });
}

/**
 * Makes the case's request ready for this server, with the ETag where it revalidates, and tries it.
 * @throws ComparisonError where the server does not answer as the case expects
 */
export async function settleCase(
  origin: string,
  compared: ComparedCase,
  signal: AbortSignal,
): Promise<{ readonly request: ComparedRequest; readonly answer: ProbeAnswer }> {
  const first = await probeUntilRight(origin, compared.request, compared.revalidates ? 200 : null, signal);
  if (!compared.revalidates) return { request: compared.request, answer: checked(compared, first) };
  if (first.etag === null)
    throw new ComparisonError("answers without an ETag: there is nothing to revalidate");
  const headers = { ...compared.request.headers, "if-none-match": first.etag };
  const request = { ...compared.request, headers };
  return { request, answer: checked(compared, await probeUntilRight(origin, request, null, signal)) };
}

async function probeUntilRight(
  origin: string,
  request: ComparedRequest,
  status: number | null,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await probe(origin, request, signal).catch((error: Error) => {
      signal.throwIfAborted();
      throw new ComparisonError(`does not answer: ${error.message}`, { cause: error });
    });
    const isRight = status === null ? answer.status < 400 : answer.status === status;
    if (isRight) return answer;
    if (attempt === settleAttempts) throw new ComparisonError(answerFault(answer, status));
    await sleep(settlePauseMs, undefined, { signal });
  }
}

function checked({ expectedStatus }: ComparedCase, answer: ProbeAnswer): ProbeAnswer {
  if (expectedStatus === null || answer.status === expectedStatus) return answer;
  throw new ComparisonError(answerFault(answer, expectedStatus));
}

function answerFault({ status, body }: ProbeAnswer, expected: number | null): string {
  const begin = body.toString("utf8", 0, 160).replaceAll(/\s+/g, " ");
  return `answers ${status}${expected === null ? "" : ` instead of ${expected}`}: ${begin}`;
}
