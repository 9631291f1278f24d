/**
 * The identifier of an identity that was posted without one: as core makes it, so that the same traits fall into
 * the same buckets everywhere (contract A5, B 2.4).
 */
import { hash } from "node:crypto";
import type { JsonScalar } from "../models/json.ts";
import { compareCodePoints, type ContextValue, pythonText, toContextValue } from "./context-value.ts";

/**
 * @param traits by key; null values do not count
 * @returns the SHA-256, in hex, of keys and values sorted by key; null where no trait is set, since core then
 *   makes a random one
 */
export function transientIdentifier(traits: ReadonlyMap<string, JsonScalar>): string | null {
  const set = [...traits].filter(([, value]) => value !== null);
  if (set.length === 0) return null;
  set.sort(([left], [right]) => compareCodePoints(left, right));
  return hash("sha256", set.map(([key, value]) => key + textOf(value)).join(""));
}

/** Python's `str()` of the value as it was sent: strings are not coerced here. */
function textOf(value: JsonScalar): string {
  return typeof value === "string" ? value : pythonText(toContextValue(value) as ContextValue);
}
