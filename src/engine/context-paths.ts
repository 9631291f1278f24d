/**
 * A condition's property, compiled into a look-up: a trait's name, or a JSONPath (RFC 9535) into the
 * evaluation context (contract B 5.4). It never runs code from the document, nor a regular expression that
 * may backtrack.
 */
import { isScalar, type JsonScalar } from "../models/json.ts";
import { PathRaisedError, PathSyntaxError, PathTooDeepError } from "./json-path/path-errors.ts";
import { parsePath } from "./json-path/path-parser.ts";
import { findAll } from "./json-path/path-search.ts";
import { isSingular, type PathQuery } from "./json-path/path-syntax.ts";
import type { PathValue } from "./json-path/path-values.ts";

/** The identity that is evaluated; identifier and key are null where there is none. */
export interface IdentityContext {
  readonly identifier: string | null;
  /** What buckets are hashed by: `<environment key>_<identifier>`. */
  readonly key: string | null;
  readonly traits: ReadonlyMap<string, JsonScalar>;
}

/** The part of the evaluation context that does not depend on the request, its members in document order. */
export type StaticContext = ReadonlyMap<"environment" | "features" | "segments", PathValue>;

/**
 * @returns the raw value, before coercion; undefined or null where it is not set
 * @throws PathRaisedError where the reference raises: the condition then does not match
 */
export type PropertyLookup = (identity: IdentityContext) => JsonScalar | undefined;

/**
 * @param property a trait's name, or a JSONPath that begins with `$.`
 * @param staticContext gives the context's fixed part; called only where a path needs it
 * @returns the look-up, or null where the reference always raises: the condition then never matches
 */
export function compileProperty(property: string, staticContext: () => StaticContext): PropertyLookup | null {
  const byTrait: PropertyLookup = (identity) => identity.traits.get(property);
  if (!property.startsWith("$.")) return byTrait;
  try {
    const byPath = compileQuery(parsePath(property), staticContext);
    // A trait that is literally named like the path wins over it.
    return (identity) => identity.traits.get(property) ?? byPath(identity);
  } catch (error) {
    if (error instanceof PathSyntaxError) return byTrait;
    // A RangeError is the stack's end, which nested parentheses reach in the reference sooner than here.
    if (error instanceof PathRaisedError || error instanceof RangeError) return null;
    throw error;
  }
}

/** Paths to one place below the identity, which are nearly all there are, cost a look-up or two. */
function compileQuery(query: PathQuery, staticContext: () => StaticContext): PropertyLookup {
  const [root, member, trait, ...more] = isSingular(query) ? query.map(nameOf) : [];
  if (root === null) return () => undefined;
  if (root === undefined || (root === "identity" && (member === undefined || more.length > 0))) {
    return searchLookup(query, staticContext);
  }
  if (root !== "identity") {
    const constant = firstScalar(query, staticContext());
    return () => constant;
  }
  if (member === "identifier" && trait === undefined) return (identity) => identity.identifier;
  if (member === "key" && trait === undefined) return (identity) => identity.key;
  if (member === "traits" && typeof trait === "string") return (identity) => identity.traits.get(trait);
  return () => undefined;
}

/** The name that a segment of a path to one place asks for; null where it asks for a position. */
function nameOf({ selectors: [selector] }: PathQuery[number]): string | null {
  return selector?.kind === "name" ? selector.name : null;
}

/** Paths with wildcards, filters or slices search the whole context, at the cost of its size. */
function searchLookup(query: PathQuery, staticContext: () => StaticContext): PropertyLookup {
  const fixed = staticContext();
  return ({ identifier, key, traits }) => {
    const identity = new Map<string, PathValue>([
      ["identifier", identifier],
      ["traits", traits],
      ["key", key],
    ]);
    return firstScalar(query, new Map<string, PathValue>([...fixed, ["identity", identity]]));
  };
}

/** The first value found counts alone, even where it is an object, which is "not set". */
function firstScalar(query: PathQuery, root: PathValue): JsonScalar | undefined {
  try {
    for (const value of findAll(query, root, root)) return isScalar(value) ? value : undefined;
  } catch (error) {
    if (!(error instanceof PathTooDeepError)) throw error;
  }
  return undefined;
}
