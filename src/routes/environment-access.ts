/**
 * From a request's `X-Environment-Key` to the snapshot it may see (contract A2, A3). It comes before any
 * look at the body. A route calls it once and keeps what it got.
 */
import type { AnswerCounts } from "../cache/answer-counts.ts";
import type { EnvironmentSnapshot, View } from "../cache/environment-snapshot.ts";
import { RequestError } from "../models/errors.ts";
import type { KeyResolver } from "../services/environments/key-directory.ts";
import { type AppContext, requestHeader } from "./http-context.ts";

/** What the caller may see. */
export interface EnvironmentAccess {
  readonly snapshot: EnvironmentSnapshot;
  readonly view: View;
  /** Where a route counts an answer of 200. */
  readonly counts: AnswerCounts;
}

const bothViews: readonly View[] = ["client", "server"];
/** Of a presented key, so much is repeated in the answer. */
const shownKeyCharactersMax = 64;

/**
 * @param views which kinds of key the route takes
 * @returns the snapshot and the key's view, or why not: 401, 503 or 403
 */
export function accessEnvironment(
  context: AppContext,
  resolveKey: KeyResolver,
  views: readonly View[] = bothViews,
): EnvironmentAccess | RequestError {
  return accessByKey(requestHeader(context, "x-environment-key"), resolveKey, views);
}

/** @param sent an `X-Environment-Key`; @returns the key in it, empty where there is none */
export function presentedKey(sent: string | readonly string[] | null | undefined): string {
  return sent?.toString().trim() ?? "";
}

/** The same for a request that is not routed yet. @param sent its `X-Environment-Key` */
export function accessByKey(
  sent: string | readonly string[] | null | undefined,
  resolveKey: KeyResolver,
  views: readonly View[] = bothViews,
): EnvironmentAccess | RequestError {
  const key = presentedKey(sent);
  if (key === "") return new RequestError("unauthorized", "the X-Environment-Key header is missing");
  const grant = resolveKey(key);
  if (grant === undefined || !views.includes(grant.view)) return unknownKey(key);
  const snapshot = grant.slot.current;
  if (snapshot === null) return new RequestError("service_unavailable", "Environment not loaded");
  if (!snapshot.servesFlags) return notServed();
  return { snapshot, view: grant.view, counts: grant.slot.counts };
}

/** Nothing is opened by this key, or not here. */
export function unknownKey(key: string): RequestError {
  return new RequestError("unauthorized", `unknown key '${key.slice(0, shownKeyCharactersMax)}'`);
}

/** Contract A2: `stop_serving_flags`. */
export function notServed(): RequestError {
  return new RequestError("forbidden", "the organisation is disabled from serving flags");
}
