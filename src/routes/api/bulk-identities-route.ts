/**
 * POST bulk-identities (contract A1): many identities requests in one body, their answers in one list.
 */
import { headersFor } from "../../cache/cors-headers.ts";
import type { ViewSnapshot } from "../../cache/view-snapshot.ts";
import { RequestError } from "../../models/errors.ts";
import { type IdentityRequest, IdentityRequestReader } from "../../models/identity-request.ts";
import { isJsonObject } from "../../models/json.ts";
import type { RequestLimits } from "../../models/settings.ts";
import { respond } from "../direct-answers.ts";
import { accessEnvironment } from "../environment-access.ts";
import { overloaded, unprocessable } from "../error-responses.ts";
import { type AppContext, requestHeader } from "../http-context.ts";
import { subjectOf } from "../identity-subject.ts";
import { parseBody, withBody } from "../request-body.ts";
import type { RouteDependencies } from "../route-dependencies.ts";

/** One faulty item refuses the whole list. */
export function createBulkIdentitiesRoute(dependencies: RouteDependencies) {
  const { limits, hasTime, resolveKey, respondError } = dependencies;
  return (context: AppContext): Response | Promise<Response> => {
    const access = accessEnvironment(context, resolveKey);
    if (access instanceof RequestError) return respondError(context, access);
    const view = access.snapshot.views[access.view];
    return withBody(context, limits.bodyBytesMax, (body) => {
      if (!hasTime()) return respondError(context, overloaded());
      const requests = body instanceof RequestError ? body : readRequests(body, limits);
      if (requests instanceof RequestError) return respondError(context, requests);
      // One request, however many identities: usage counts answers.
      access.counts.identities.count += 1;
      return answerAll(context, requests, view, dependencies);
    });
  };
}

function readRequests(bytes: Buffer, limits: RequestLimits): IdentityRequest[] | RequestError {
  const parsed = parseBody(bytes);
  if (parsed instanceof RequestError) return parsed;
  const loc = ["body", "data"];
  const list = isJsonObject(parsed.json) ? parsed.json["data"] : undefined;
  if (list === undefined) return unprocessable([{ loc, type: "missing", msg: "Field required" }]);
  if (!Array.isArray(list)) {
    return unprocessable([{ loc, type: "list_type", msg: "Input should be a valid list" }]);
  }
  const { bulkIdentitiesMax } = limits;
  if (list.length > bulkIdentitiesMax) {
    const msg = `List should have at most ${bulkIdentitiesMax} items, not ${list.length}`;
    return unprocessable([{ loc, type: "too_long", msg }]);
  }
  const reader = new IdentityRequestReader(limits);
  const requests = list.map((each: unknown, index) => reader.read(each, [...loc, index]));
  return reader.details.length > 0 ? unprocessable(reader.details) : requests;
}

function answerAll(
  context: AppContext,
  requests: readonly IdentityRequest[],
  view: ViewSnapshot,
  { cors, randomIdentifier }: RouteDependencies,
): Response {
  const answers = requests.map((request) =>
    view.identityText(subjectOf(request, view, randomIdentifier).subject),
  );
  const text = `[${answers.map((answer) => answer.text).join(",")}]`;
  const { body, headers } = view.identityResponse({ text, bytes: Buffer.byteLength(text) });
  return respond(context, 200, headersFor(cors, headers, requestHeader(context, "origin")), body);
}
