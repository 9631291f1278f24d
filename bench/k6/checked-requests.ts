/**
 * The requests of SDKs, browsers and load balancers, each with checks of its answer. An answer of any kind
 * fails checks and throws nothing: an exception would end the iteration before its checks are counted.
 */
import { check } from "k6";
import http, { type RefinedParams, type RefinedResponse } from "k6/http";
import { isDocument, isFlagList, isHealthy, isIdentityAnswer } from "./answer-shapes.ts";
import type { Identity } from "./identity-bodies.ts";
import { target } from "./load-target.ts";

/** What the requests are called in thresholds and in the outcome, in place of their URLs. */
export type RequestName = "flags" | "identities" | "document" | "health";

type Answer = RefinedResponse<"text">;
type Headers = Readonly<Record<string, string>>;
type ShapeCheck = (json: unknown) => boolean;

/** Beyond this an SDK has given up. */
const timeout = "10s";

/** The ETags of the last answers. Each virtual user has a map of its own, as a browser has its cache. */
const heldEtags = new Map<RequestName, string>();

/** @param isConditional whether to ask for what has changed since the last answer, where there was one */
export function readFlags(isConditional: boolean): void {
  readHeld("flags", "/api/v1/flags/", target.clientKey, isConditional, isFlagList);
}

/** @param isConditional as of `readFlags` */
export function readDocument(isConditional: boolean): void {
  readHeld("document", "/api/v1/environment-document/", target.serverKey, isConditional, isDocument);
}

/** @param body which kind of body the outcome counts it under */
export function postIdentity(identity: Identity, body: "repeated" | "new"): void {
  // Transient, so that a proxy that writes identities on upstream does not write those of a load test.
  const text = JSON.stringify({ ...identity, transient: true });
  const params = paramsOf("identities", target.clientKey, { "content-type": "application/json" }, { body });
  const answer = http.post(`${target.baseUrl}/api/v1/identities/`, text, params);
  checkWhole(answer, "identities", (json) => isIdentityAnswer(json, identity));
}

/** As SDKs ask for identities without traits. */
export function getIdentity(identifier: string, body: "repeated" | "new"): void {
  const query = `identifier=${encodeURIComponent(identifier)}&transient=true`;
  const params = paramsOf("identities", target.clientKey, {}, { body });
  const answer = http.get(`${target.baseUrl}/api/v1/identities/?${query}`, params);
  checkWhole(answer, "identities", (json) => isIdentityAnswer(json, { identifier, traits: [] }));
}

export function readHealth(): void {
  const answer = http.get(`${target.baseUrl}/proxy/health`, paramsOf("health", null));
  checkWhole(answer, "health", isHealthy);
}

function readHeld(
  name: RequestName,
  path: string,
  key: string,
  isConditional: boolean,
  isShape: ShapeCheck,
): void {
  const held = isConditional ? heldEtags.get(name) : undefined;
  const headers: Headers = held === undefined ? {} : { "if-none-match": held };
  const answer = http.get(`${target.baseUrl}${path}`, paramsOf(name, key, headers));
  const etag = answer.headers["Etag"] ?? "";
  if (answer.status === 304 && held !== undefined) {
    check(answer, {
      [`${name}: a 304 repeats the ETag`]: () => etag === held,
      [`${name}: a 304 has no body`]: ({ body }) => !body,
    });
    return;
  }
  checkWhole(answer, name, isShape);
  check(answer, {
    [`${name}: a strong ETag, another than the client holds`]: () => /^"[^"]+"$/.test(etag) && etag !== held,
  });
  if (answer.status === 200 && etag !== "") heldEtags.set(name, etag);
}

function checkWhole(answer: Answer, name: RequestName, isShape: ShapeCheck): void {
  check(answer, {
    [`${name}: status 200`]: ({ status }) => status === 200,
    [`${name}: JSON by its content type`]: ({ headers }) =>
      /^application\/json\b/.test(headers["Content-Type"] ?? ""),
    [`${name}: the body that was asked for`]: () => isShape(jsonOf(answer)),
  });
}

/** @returns undefined where the body is no JSON */
function jsonOf({ body }: Answer): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function paramsOf(
  name: RequestName,
  key: string | null,
  headers: Headers = {},
  tags: Readonly<Record<string, string>> = {},
): RefinedParams<"text"> {
  const { acceptEncoding } = target;
  return {
    headers: {
      ...(key === null ? {} : { "x-environment-key": key }),
      ...(acceptEncoding === "" ? {} : { "accept-encoding": acceptEncoding }),
      ...headers,
    },
    responseType: "text",
    tags: { name, ...tags },
    timeout,
  };
}
