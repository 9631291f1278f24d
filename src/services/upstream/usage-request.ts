/**
 * One POST of usage (contract B 4.4), and what its answer means. It must not count, keep or repeat anything:
 * who sends the batch decides whether it is sent again.
 */
import type { UsageRow } from "../../models/usage.ts";
import { type PageRequests, sendWithRetry, statusError } from "./page-request.ts";
import { dumpBody } from "./response-body.ts";

/** What is sent at once; under the same key it counts once, however often it comes. */
export interface UsageBatch {
  /** The `Idempotency-Key`: a UUID. */
  readonly id: string;
  readonly rows: readonly UsageRow[];
}

/** The upstream has taken it, or has refused it for good. */
export type UsageVerdict = { readonly isTaken: true } | { readonly isTaken: false; readonly status: number };

/**
 * @param url on the configured origin
 * @throws UpstreamError for a status that is neither 2xx nor 4xx; what undici throws
 */
export async function sendUsageBatch(
  requests: PageRequests,
  url: URL,
  { id, rows }: UsageBatch,
): Promise<UsageVerdict> {
  const headers = { ...requests.headers, "content-type": "application/json", "idempotency-key": id };
  const answer = await sendWithRetry(requests, url, { method: "POST", headers, body: JSON.stringify(rows) });
  const { body, statusCode: status } = answer;
  // What it says beside its status is of no use.
  await dumpBody(body).catch(() => undefined);
  if (status >= 200 && status < 300) return { isTaken: true };
  if (status >= 400 && status < 500) return { isTaken: false, status };
  throw statusError(requests, answer);
}
