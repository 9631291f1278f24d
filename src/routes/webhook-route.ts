/**
 * The upstream's webhook: asks for a refresh of the environment that it names. It is there only where its
 * secrets are configured, and believes nothing that is not signed.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { headersFor } from "../cache/cors-headers.ts";
import { RequestError } from "../models/errors.ts";
import { isJsonObject } from "../models/json.ts";
import type { WebhookSettings } from "../models/settings.ts";
import type { NoticeTaker } from "../services/environments/data-plane-notice.ts";
import type { Logger } from "../services/service-logger.ts";
import { type AppContext, requestHeader } from "./http-context.ts";
import { parseBody, withBody } from "./request-body.ts";
import type { RouteDependencies } from "./route-dependencies.ts";

/** `notify` tells the control plane. */
export interface WebhookDependencies extends Pick<RouteDependencies, "cors" | "respondError"> {
  readonly settings: WebhookSettings;
  readonly notify: NoticeTaker;
  readonly logger: Logger;
}

/** Hexadecimal, as Flagsmith writes it. */
const signaturePattern = /^[0-9a-f]{64}$/i;

/** @returns the path of the route; unknown to who does not know its secret */
export function webhookPath({ pathSecret }: WebhookSettings): string {
  return `/proxy/webhook/${pathSecret}`;
}

/**
 * `X-Flagsmith-Signature` is the HMAC-SHA256 of the raw body. To send a webhook again asks for another
 * refresh and has no other effect, so that nothing guards against it but the spacing of refreshes.
 *
 * Answered before anything is refreshed: 200 without a body, as some releases of Flagsmith send their
 * organisation an e-mail for each other status; 401, 413, 415, 400 and 422 as other routes do.
 */
export function createWebhookRoute({ cors, respondError, settings, notify, logger }: WebhookDependencies) {
  const set = cors.headerSet({ "content-length": "0", "cache-control": "no-store" });
  const unsigned = new RequestError("unauthorized", "the X-Flagsmith-Signature header is missing or wrong");
  return (context: AppContext): Response | Promise<Response> => {
    const signature = requestHeader(context, "x-flagsmith-signature")?.trim() ?? "";
    // Without one the body need not be read.
    if (!signaturePattern.test(signature)) return respondError(context, unsigned);
    return withBody(context, settings.bodyBytesMax, (body) => {
      if (body instanceof RequestError) return respondError(context, body);
      if (!isSigned(body, signature, settings.signingSecret)) return respondError(context, unsigned);
      const parsed = parseBody(body);
      if (parsed instanceof RequestError) return respondError(context, parsed);
      const environmentId = environmentIdOf(parsed.json);
      logger.debug({ environmentId }, "A webhook asks for a refresh");
      notify({ kind: "refresh-wanted", environmentId });
      return new Response(null, {
        status: 200,
        headers: headersFor(cors, set, requestHeader(context, "origin")),
      });
    });
  };
}

/** @param signature 64 hexadecimal digits */
function isSigned(body: Uint8Array, signature: string, secret: string): boolean {
  const digest = createHmac("sha256", secret).update(body).digest();
  return timingSafeEqual(digest, Buffer.from(signature, "hex"));
}

/**
 * The id of the environment that changed: of a flag's new or last state (`FLAG_UPDATED`, `FLAG_DELETED`), or
 * of an entry of the audit log. Null where there is none, such as for a new version of a feature or a change
 * of the whole project.
 */
function environmentIdOf(body: unknown): number | null {
  const data = memberOf(body, "data");
  const places = [memberOf(data, "new_state"), memberOf(data, "previous_state"), data, body];
  for (const place of places) {
    const environment = memberOf(place, "environment");
    const id = typeof environment === "number" ? environment : memberOf(environment, "id");
    if (Number.isSafeInteger(id)) return id as number;
  }
  return null;
}

function memberOf(value: unknown, name: string): unknown {
  return isJsonObject(value) ? value[name] : undefined;
}
