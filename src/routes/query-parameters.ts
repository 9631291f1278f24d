/**
 * Reads a parameter of a request's query. What cannot be decoded is refused: taken literally, it could be the
 * identifier of somebody else.
 */
import type { RequestError } from "../models/errors.ts";
import { unprocessable } from "./error-responses.ts";
import type { AppContext } from "./http-context.ts";

/** @returns the query as it was sent, without its question mark; empty where there is none */
export function rawQuery(context: AppContext): string {
  // NOTE: hono's request object is made when it is first asked for; a request without a query needs none.
  const target = context.env?.incoming?.url ?? context.req.url;
  const start = target.indexOf("?");
  return start === -1 ? "" : target.slice(start + 1);
}

/** @returns the first value of this name; null where there is none or an empty one; or 422 */
export function decodedParameter(context: AppContext, name: string): string | null | RequestError {
  const value = context.req.query(name);
  if (!value) return null;
  // The router leaves what it cannot decode as it is, so only a value with a percent sign is in doubt.
  if (!value.includes("%") || isDecodable(context.req.url)) return value;
  const msg = "Input should be percent-encoded UTF-8";
  return unprocessable([{ loc: ["query", name], type: "string_unicode", msg }]);
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url.slice(url.indexOf("?") + 1));
    return true;
  } catch {
    return false;
  }
}
