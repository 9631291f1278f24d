/**
 * Reads a request's query. What cannot be decoded is told apart: taken literally, it could be the identifier
 * of somebody else.
 */
import type { AppContext } from "./http-context.ts";

/** The value of a parameter that is not empty. */
export interface QueryParameter {
  /** As it was sent. */
  readonly raw: string;
  /** Null where `raw` is not percent-encoded UTF-8. */
  readonly text: string | null;
}

/** @returns the query as it was sent, without question mark and fragment; empty where there is none */
export function rawQuery(context: AppContext): string {
  // NOTE: hono's request object is made when it is first asked for; a request without a query needs none.
  const target = context.env?.incoming?.url ?? context.req.url;
  const fragment = target.indexOf("#");
  const end = fragment === -1 ? target.length : fragment;
  const start = target.indexOf("?");
  return start === -1 ? "" : target.slice(start + 1, end);
}

/** @returns the first parameter of this name; null where there is none or an empty one */
export function queryParameter(context: AppContext, name: string): QueryParameter | null {
  for (const pair of rawQuery(context).split("&")) {
    const [, key = "", raw = ""] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
    if (decoded(key) === name) return raw === "" ? null : { raw, text: decoded(raw) };
  }
  return null;
}

function decoded(raw: string): string | null {
  try {
    return decodeURIComponent(raw.replaceAll("+", " "));
  } catch {
    return null;
  }
}
