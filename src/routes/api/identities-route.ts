/**
 * GET and POST identities (contract A5). A body seen before is answered from the snapshot's cache before it
 * is parsed; any other is parsed, evaluated, and put together from prepared fragments.
 */
import { hash } from "node:crypto";
import type { AnswerCount } from "../../cache/answer-counts.ts";
import { type CorsHeaders, headersFor } from "../../cache/cors-headers.ts";
import { cachedRequest, type IdentityResponse } from "../../cache/identity-response-cache.ts";
import type { HeaderSet } from "../../cache/prepared-response.ts";
import { noTraits, type ViewSnapshot } from "../../cache/view-snapshot.ts";
import { RequestError } from "../../models/errors.ts";
import { type IdentityRequest, IdentityRequestReader } from "../../models/identity-request.ts";
import { readPlainIdentityBody } from "../../models/plain-identity-body.ts";
import type { RequestLimits } from "../../models/settings.ts";
import { respond } from "../direct-answers.ts";
import { accessEnvironment, type EnvironmentAccess } from "../environment-access.ts";
import { overloaded, unprocessable } from "../error-responses.ts";
import { type AppContext, requestHeader } from "../http-context.ts";
import { subjectOf } from "../identity-subject.ts";
import { answerNotModified, holdsEtag } from "../prepared-answers.ts";
import { queryParameter, rawQuery } from "../query-parameters.ts";
import { parseBody, withBody } from "../request-body.ts";
import type { RouteDependencies } from "../route-dependencies.ts";
import { featureNotFound } from "./flags-route.ts";

/** The identity is in the body. */
export function createPostIdentitiesRoute(dependencies: RouteDependencies) {
  const { cors, limits, resolveKey, respondError } = dependencies;
  return (context: AppContext): Response | Promise<Response> => {
    const access = accessEnvironment(context, resolveKey);
    if (access instanceof RequestError) return respondError(context, access);
    const view = access.snapshot.views[access.view];
    return withBody(context, limits.bodyBytesMax, (body) => {
      const response = body instanceof RequestError ? body : answerBody(body, view, dependencies);
      return response instanceof RequestError
        ? respondError(context, response)
        : answerIdentity(context, cors, response, access.counts.identities);
    });
  };
}

function answerBody(
  bytes: Buffer,
  view: ViewSnapshot,
  { limits, hasTime, randomIdentifier }: RouteDependencies,
): IdentityResponse | RequestError {
  const asked = cachedRequest(bytes);
  const kept = view.identityResponses.get(asked);
  if (kept !== undefined) return kept;
  if (!hasTime()) return overloaded();
  const request = readPlainIdentityBody(bytes, limits) ?? readBodyAsJson(bytes, limits);
  if (request instanceof RequestError) return request;
  const { subject, isRandom } = subjectOf(request, view, randomIdentifier);
  const response = view.identityResponse(view.identityText(subject));
  if (!isRandom) view.identityResponses.offer(asked, response);
  return response;
}

function readBodyAsJson(bytes: Buffer, limits: RequestLimits): IdentityRequest | RequestError {
  const parsed = parseBody(bytes);
  if (parsed instanceof RequestError) return parsed;
  const reader = new IdentityRequestReader(limits);
  const request = reader.read(parsed.json, ["body"]);
  return reader.details.length > 0 ? unprocessable(reader.details) : request;
}

function answerIdentity(
  context: AppContext,
  cors: CorsHeaders,
  { body, headers }: IdentityResponse,
  counted: AnswerCount,
): Response {
  counted.count += 1;
  return respond(context, 200, headersFor(cors, headers, requestHeader(context, "origin")), body);
}

/** The identity is in the query, and has no traits; such an answer has an ETag. */
export function createGetIdentitiesRoute(dependencies: RouteDependencies) {
  const { cors, limits, hasTime, resolveKey, respondError } = dependencies;
  return (context: AppContext): Response => {
    const access = accessEnvironment(context, resolveKey);
    if (access instanceof RequestError) return respondError(context, access);
    // Raw bodies have no character beyond U+00FF, so the two kinds of requests cannot meet.
    const asked = cachedRequest(`\u0100${rawQuery(context)}`);
    const { identityResponses } = access.snapshot.views[access.view];
    const kept = identityResponses.get(asked);
    const response = kept ?? (hasTime() ? evaluateQuery(context, access, limits) : overloaded());
    if (response instanceof RequestError) return respondError(context, response);
    if (kept === undefined) identityResponses.offer(asked, response);
    const etag = response.headers.plain["etag"] ?? "";
    const ifNoneMatch = requestHeader(context, "if-none-match");
    if (ifNoneMatch !== null && holdsEtag(ifNoneMatch, etag)) {
      return answerNotModified(context, cors, withoutBody(response.headers));
    }
    return answerIdentity(context, cors, response, access.counts.identities);
  };
}

/** What is said of a body is left out where none comes (RFC 9110 15.4.5). */
function withoutBody({ plain, anyOrigin }: HeaderSet): HeaderSet {
  const { "content-type": _type, "content-length": _length, ...others } = plain as Record<string, string>;
  return { plain: others, anyOrigin };
}

interface IdentityQuery {
  readonly identifier: string;
  /** Null: all features. */
  readonly feature: string | null;
}

function readQuery(
  context: AppContext,
  reader: IdentityRequestReader,
  charactersMax: number,
): IdentityQuery | RequestError {
  const loc = ["query", "identifier"];
  const asked = queryParameter(context, "identifier");
  if (asked === null) return unprocessable([{ loc, type: "missing", msg: "Field required" }]);
  if (asked.text === null) {
    const msg = "Input should be percent-encoded UTF-8";
    return unprocessable([{ loc, type: "string_unicode", msg }]);
  }
  const identifier = reader.readString(asked.text, charactersMax, loc);
  if (reader.details.length > 0) return unprocessable(reader.details);
  const feature = queryParameter(context, "feature");
  return { identifier, feature: feature === null ? null : (feature.text ?? feature.raw) };
}

function evaluateQuery(
  context: AppContext,
  { snapshot, view: viewName }: EnvironmentAccess,
  limits: RequestLimits,
): IdentityResponse | RequestError {
  const query = readQuery(context, new IdentityRequestReader(limits), limits.identifierCharactersMax);
  if (query instanceof RequestError) return query;
  const { identifier, feature } = query;
  const view = snapshot.views[viewName];
  const subject = { identifier, traits: noTraits };
  const text = feature === null ? view.identityText(subject) : view.identityTextWithFeature(subject, feature);
  if (text === null) return featureNotFound(feature ?? "");
  // From version and request, so that a new document or another question has another one (contract A8).
  const etag = `"${snapshot.etagBase}-${viewName}-${hash("md5", JSON.stringify([identifier, feature]))}"`;
  return view.identityResponse(text, { etag });
}
