/**
 * The identifier of an identity that was posted without one: as core makes it, so that the same traits fall
 * into the same buckets everywhere (contract A5, B 2.4).
 */
import { hash } from "node:crypto";
import type { JsonScalar } from "../models/json.ts";
import { type ContextValue, compareCodePoints, pythonText, toContextValue } from "./context-value.ts";

/**
 * @param traits as sent, duplicates included, since core hashes them all; null values do not count
 * @returns the SHA-256, in hex, of keys and values sorted by key; null without any trait, since core then
 *   makes a random one
 */
export function transientIdentifier(
  traits: readonly { readonly key: string; readonly value: JsonScalar }[],
): string | null {
  if (traits.length === 0) return null;
  const set = traits.filter(({ value }) => value !== null);
  const sorted = set.toSorted((left, right) => compareCodePoints(left.key, right.key));
  return hash("sha256", sorted.map(({ key, value }) => key + textOf(value)).join(""));
}

/** Python's `str()` of the value as it was sent: strings are not coerced here. */
function textOf(value: JsonScalar): string {
  return typeof value === "string" ? value : pythonText(toContextValue(value) as ContextValue);
}
