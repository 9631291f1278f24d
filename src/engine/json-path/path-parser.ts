/**
 * Parses JSONPaths as the reference's library does: the same texts compile, the same texts are refused, and
 * those it raises on are told apart from those that are no path (contract B 5.4). It searches nothing.
 */
import { PathRaisedError, PathSyntaxError } from "./path-errors.ts";
import { FilterParser } from "./path-filter-parser.ts";
import { readPathTokens } from "./path-lexer.ts";
import { decodePathString } from "./path-strings.ts";
import type { PathQuery, PathSegment, Selector } from "./path-syntax.ts";
import { type Token, TokenStream } from "./path-token.ts";

/**
 * @param path a text that begins with `$`
 * @throws PathSyntaxError where it is no JSONPath; PathRaisedError where the reference raises otherwise
 */
export function parsePath(path: string): PathQuery {
  const stream = new TokenStream(readPathTokens(path));
  stream.next();
  const query = parseSegments(stream);
  stream.expect("end");
  return query;
}

/** Leaves the first token that is not part of the path current. */
function parseSegments(stream: TokenStream): PathQuery {
  const segments: PathSegment[] = [];
  for (;;) {
    const descends = stream.isAt("..");
    if (descends) stream.next();
    const selectors = parseSelectors(stream);
    if (selectors === null) return segments;
    segments.push({ descends, selectors });
    stream.next();
  }
}

/** @returns null where no selector stands; else the last token of it is current */
function parseSelectors(stream: TokenStream): readonly Selector[] | null {
  switch (stream.current.kind) {
    case "name":
      return [{ kind: "name", name: stream.current.text }];
    case "wild":
      return [{ kind: "wild" }];
    case "[":
      return parseBracketed(stream);
    default:
      return null;
  }
}

function parseBracketed(stream: TokenStream): readonly Selector[] {
  const selectors: Selector[] = [];
  stream.next();
  while (!stream.isAt("]")) {
    selectors.push(parseSelector(stream));
    stream.next();
    if (stream.isAt("]")) break;
    stream.expect(",");
    stream.next();
    if (stream.isAt("]")) throw new PathSyntaxError("trailing comma");
  }
  if (selectors.length === 0) throw new PathSyntaxError("empty brackets");
  return selectors;
}

function parseSelector(stream: TokenStream): Selector {
  const token = stream.current;
  switch (token.kind) {
    case "index":
      return stream.peek.kind === ":"
        ? parseSlice(stream)
        : { kind: "index", index: inRange(indexOf(token)) };
    case ":":
      return parseSlice(stream);
    case "single-quoted":
    case "double-quoted":
      return { kind: "name", name: decodePathString(token) };
    case "wild":
      return { kind: "wild" };
    case "?":
      stream.next();
      return { kind: "filter", expression: new FilterParser(stream, parseSegments).parseFilter() };
    default:
      throw new PathSyntaxError("expected a selector");
  }
}

function parseSlice(stream: TokenStream): Selector {
  const start = parseBound(stream);
  stream.expect(":");
  stream.next();
  const stop = parseBound(stream);
  if (stream.isAt(":")) stream.next();
  const step = parseBound(stream);
  stream.backUp();
  return { kind: "slice", start: inRange(start), stop: inRange(stop), step: inRange(step) };
}

function parseBound(stream: TokenStream): number | null {
  return stream.isAt("index") ? indexOf(stream.next()) : null;
}

function indexOf({ text }: Token): number {
  if (/^(?:0.|-0)/.test(text)) throw new PathSyntaxError("leading zero");
  return Number(text);
}

function inRange<Index extends number | null>(index: Index): Index {
  if (index !== null && !Number.isSafeInteger(index)) throw new PathRaisedError("index out of range");
  return index;
}
