/**
 * A condition's property, compiled into a look-up: a trait's name, or a JSONPath (RFC 9535) into the evaluation
 * context (contract B 5.4). It never runs code from the document, nor a regular expression that may backtrack.
 */
import {
  JSONPathEnvironment,
  JSONPathLexerError,
  type JSONPathQuery,
  JSONPathSyntaxError,
  jsonpath,
} from "json-p3";
import { RE2JS } from "re2js";
import { isScalar, JsonNumber, type JsonScalar } from "../models/json.ts";

/** The identity that is evaluated; identifier and key are null where there is none. */
export interface IdentityContext {
  readonly identifier: string | null;
  /** What buckets are hashed by: `<environment key>_<identifier>`. */
  readonly key: string | null;
  readonly traits: ReadonlyMap<string, JsonScalar>;
}

/** The part of the evaluation context that does not depend on the request. Parsed JSON. */
export type StaticContext = Readonly<Record<"environment" | "features" | "segments", unknown>>;

/** @returns the raw value, before coercion; undefined or null where it is not set */
export type PropertyLookup = (identity: IdentityContext) => JsonScalar | undefined;

type Path = readonly (string | number)[];

/**
 * @param property a trait's name, or a JSONPath that begins with `$.`
 * @param staticContext gives the context's fixed part; called only where a path needs it
 * @returns the look-up, or null where the reference raises: the condition then never matches
 */
export function compileProperty(
  property: string,
  staticContext: () => StaticContext,
): PropertyLookup | null {
  const byTrait: PropertyLookup = (identity) => identity.traits.get(property);
  if (!property.startsWith("$.")) return byTrait;
  const query = parseQuery(property);
  if (query === "not-a-path") return byTrait;
  if (query === "ill-typed") return null;
  const byPath = compileQuery(query, staticContext);
  // A trait that is literally named like the path wins over it.
  return (identity) => identity.traits.get(property) ?? byPath(identity);
}

const quotedString = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/gs;

function parseQuery(property: string): JSONPathQuery | "not-a-path" | "ill-typed" {
  // The reference's grammar ends at U+FFFF outside quotes, so such a property is a trait's name (A13).
  if (/[\ud800-\udfff]/.test(property.replace(quotedString, ""))) return "not-a-path";
  try {
    return pathEnvironment.compile(property);
  } catch (error) {
    const isNoPath = error instanceof JSONPathSyntaxError || error instanceof JSONPathLexerError;
    return isNoPath ? "not-a-path" : "ill-typed";
  }
}

function compileQuery(query: JSONPathQuery, staticContext: () => StaticContext): PropertyLookup {
  const path = singularPath(query);
  if (path === null) return searchLookup(query, staticContext);
  const [root, member, trait] = path;
  if (root !== "identity") {
    const constant = scalarAt(staticContext(), path);
    return () => constant;
  }
  if (path.length === 2 && member === "identifier") return (identity) => identity.identifier;
  if (path.length === 2 && member === "key") return (identity) => identity.key;
  if (path.length === 3 && member === "traits" && typeof trait === "string") {
    return (identity) => identity.traits.get(trait);
  }
  return () => undefined;
}

/** The names and positions of a path that can lead to one place alone; null for wildcards, filters and slices. */
function singularPath(query: JSONPathQuery): Path | null {
  if (!query.singularQuery()) return null;
  return query.segments.map((segment) => {
    const selector = segment.selectors[0];
    return selector instanceof jsonpath.selectors.NameSelector
      ? selector.name
      : (selector as jsonpath.selectors.IndexSelector).index;
  });
}

function scalarAt(root: unknown, path: Path): JsonScalar | undefined {
  const found = path.reduce(childOf, root);
  return isScalar(found) ? found : undefined;
}

function childOf(parent: unknown, step: string | number): unknown {
  if (Array.isArray(parent)) return typeof step === "number" ? parent.at(step) : undefined;
  if (typeof parent !== "object" || parent === null || typeof step !== "string") return undefined;
  return Object.hasOwn(parent, step) ? (parent as Record<string, unknown>)[step] : undefined;
}

/** Paths with wildcards, filters or slices search the whole context, at the cost of its size. */
function searchLookup(query: JSONPathQuery, staticContext: () => StaticContext): PropertyLookup {
  const fixed = staticContext();
  const fixedPlain = plainCopy(fixed) as Record<string, unknown>;
  return ({ identifier, key, traits }) => {
    const identity = { identifier, key, traits: Object.fromEntries(traits) };
    const root = { ...fixedPlain, identity: plainCopy(identity) };
    const [first] = query.lazyQuery(root as Parameters<JSONPathQuery["lazyQuery"]>[0]);
    // The searched copy has lost the numbers' text: the raw value stands at the same place.
    return first === undefined ? undefined : scalarAt({ ...fixed, identity }, first.location);
  };
}

function plainCopy(value: unknown): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(plainCopy);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainCopy(each)]));
}

/** `match()` and `search()` in filters, on RE2: the library's own would backtrack. */
function regexFunction(matches: (pattern: RE2JS, text: string) => boolean): jsonpath.FilterFunction {
  return {
    argTypes: [jsonpath.FunctionExpressionType.ValueType, jsonpath.FunctionExpressionType.ValueType],
    returnType: jsonpath.FunctionExpressionType.LogicalType,
    call(text: unknown, pattern: unknown) {
      if (typeof text !== "string" || typeof pattern !== "string") return false;
      try {
        return matches(RE2JS.compile(pattern), text);
      } catch {
        return false;
      }
    },
  };
}

function createPathEnvironment(): JSONPathEnvironment {
  const environment = new JSONPathEnvironment();
  environment.functionRegister.set("match", regexFunction((pattern, text) => pattern.matches(text)));
  environment.functionRegister.set("search", regexFunction((pattern, text) => pattern.matcher(text).find()));
  return environment;
}

const pathEnvironment = createPathEnvironment();
