/**
 * Reads the repository's files, and TypeScript well enough to check it as text: where comments, strings and
 * regex literals are, what a file imports and in which circles, where functions are. It must not decide
 * what is right.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

/** A file by its path from the repository's root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** The text with comments, strings and regex literals blanked: lines and columns stay. */
  readonly code: string;
  /** Each import, re-export, `import()` and `require()` of a fixed text. */
  readonly imports: readonly Import[];
  readonly comments: readonly string[];
}

interface Import {
  /** As written, such as `zod` or `./json.ts`. */
  readonly specifier: string;
  /** The imported file from the root, for a relative specifier; null for a library. */
  readonly path: string | null;
  readonly typeOnly: boolean;
}

/**
 * Reads the files below some folders, and files named as they are.
 * @param root the repository's root
 * @param places folders and files from there; those that do not exist are passed over
 * @param extension such as `.ts`
 */
export function readSourceFiles(root: string, places: readonly string[], extension: string): SourceFile[] {
  return places
    .filter((place) => existsSync(join(root, place)))
    .flatMap((place) => {
      if (!statSync(join(root, place)).isDirectory()) return [place];
      const names = readdirSync(join(root, place), { recursive: true, encoding: "utf8" });
      return names.map((name) => posix.join(place, name.replaceAll("\\", "/"))).sort();
    })
    .filter((path) => path.endsWith(extension))
    .map((path) => sourceFile(path, readFileSync(join(root, path), "utf8")));
}

/** A file as the checks see it. */
export function sourceFile(path: string, text: string): SourceFile {
  const spans = findSpans(text);
  const comments = spans.filter(({ kind }) => kind === "comment");
  const code = blank(text, spans);
  return {
    path,
    text,
    code,
    imports: findImports(path, blank(text, comments), code),
    comments: comments.map(({ start, end }) => text.slice(start, end)),
  };
}

interface Span {
  readonly kind: "comment" | "string" | "regex";
  readonly start: number;
  readonly end: number;
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const QUOTED = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
/** The text of a template from its backtick or brace up to its end, or to the `${` of the next expression. */
const TEMPLATE_PART = /[`}](?:[^\\`$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;

/** After these a slash divides; after all else it opens a regex literal. A `)` is taken to end an operand. */
const OPERAND_END = /[\w$)\]"'`]$/;
const OPERATOR_WORD = /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|else|do|await|yield)$/;

/** Finds comments, strings (of templates: the parts that are text) and regex literals, in order. */
export function findSpans(text: string): Span[] {
  const spans: Span[] = [];
  const templateDepths: number[] = [];
  let depth = 0;
  let at = 0;
  const take = (kind: Span["kind"], pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    spans.push({ kind, start: at, end: pattern.lastIndex });
    at = pattern.lastIndex;
    return true;
  };
  while (at < text.length) {
    const character = text[at];
    if (character === "/" && take("comment", COMMENT)) continue;
    if (character === "/" && !endsWithOperand(text, at, spans) && take("regex", REGEX)) continue;
    if ((character === '"' || character === "'") && take("string", QUOTED)) continue;
    const endsExpression = character === "}" && templateDepths.at(-1) === depth;
    if (endsExpression) templateDepths.pop();
    if ((character === "`" || endsExpression) && take("string", TEMPLATE_PART)) {
      if (text[at - 1] === "{") templateDepths.push(depth);
      continue;
    }
    if (character === "{") depth++;
    if (character === "}") depth--;
    at++;
  }
  return spans;
}

/** Whether what stands before `end`, blanks and comments aside, is a value. */
function endsWithOperand(text: string, end: number, spans: readonly Span[]): boolean {
  const before = text.slice(0, end).trimEnd();
  const last = spans.at(-1);
  if (last?.kind === "comment" && last.end === before.length) {
    return endsWithOperand(text, last.start, spans.slice(0, -1));
  }
  const tail = before.slice(-12);
  return OPERAND_END.test(tail) && !OPERATOR_WORD.test(tail);
}

function blank(text: string, spans: readonly Span[]): string {
  let result = "";
  let at = 0;
  for (const { start, end } of spans) {
    result += text.slice(at, start) + text.slice(start, end).replace(/[^\n]/g, " ");
    at = end;
  }
  return result + text.slice(at);
}

const FROM = /\b(?:import|export)\s+(type\s)?[^;"'()=]*?\bfrom\s*["']([^"'\n]+)["']/;
const CALLED = /\b(?:import|require|createRequire\([^()]*\))\s*\(?\s*["']([^"'\n]+)["']/;
const IMPORT = new RegExp(`${FROM.source}|${CALLED.source}`, "g");

/** `text` holds strings, `code` does not: a statement inside a string is none. */
function findImports(path: string, text: string, code: string): Import[] {
  return [...text.matchAll(IMPORT)]
    .filter(({ index }) => code[index] !== " ")
    .map(([, typeWord, from, called]) => {
      const specifier = (from ?? called) as string;
      const isRelative = specifier.startsWith(".");
      const target = isRelative ? posix.join(posix.dirname(path), specifier) : null;
      return { specifier, path: target, typeOnly: typeWord !== undefined };
    });
}

/** Follows imports depth first; an import of a file that is still being followed closes a cycle. */
export function findCycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(" → ")];
    if (finished.has(path)) return [];
    const cycles = (byPath.get(path)?.imports ?? []).flatMap(({ path: next }) => {
      return next === null ? [] : visit(next, [...trail, path]);
    });
    finished.add(path);
    return cycles;
  };
  return files.flatMap(({ path }) => visit(path, []));
}

interface FunctionSpan {
  /** Counted from 1: the line of the parameters' opening parenthesis. */
  readonly line: number;
  readonly lines: number;
}

const OPENING = "([{";
const CONTROL_WORD = /\b(?:if|for|while|switch|catch|with|await)\s*$/;
/** The call that this function is the body of names a group of tests, and is as long as its tests. */
const GROUP_OF_TESTS = /\bdescribe[.\w]*(?:\((?:(?!=>)[^;])*\))?\(\s*,\s*(?:async\s*)?$/;

/** Finds the functions and methods of blanked code. A signature without a body is none. */
export function findFunctions(code: string): FunctionSpan[] {
  const closing = matchBrackets(code);
  return [...closing].flatMap(([open, close]) => {
    if (code[open] !== "(") return [];
    const before = code.slice(Math.max(0, open - 1000), open);
    const end = bodyEnd(code, closing, close + 1, CONTROL_WORD.test(before));
    if (end === null || GROUP_OF_TESTS.test(before)) return [];
    const line = code.slice(0, open).split("\n").length;
    return [{ line, lines: code.slice(open, end).split("\n").length }];
  });
}

/** From the position of each opening bracket to that of its partner. */
function matchBrackets(code: string): Map<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (const { 0: bracket, index } of code.matchAll(/[()[\]{}]/g)) {
    if (OPENING.includes(bracket)) open.push(index);
    else closing.set(open.pop() ?? index, index);
  }
  return closing;
}

/** A piece of the type of what is returned; what is in brackets is skipped as a whole. */
const TYPE_TOKEN = /\s*(=>|[\w$]+|\S)/y;
const STATEMENT_WORD = /^(?:case|default|return|const|let|if|for|while|switch|break|throw)$/;

/** Where the function ends whose parameters end at `at`; null where those are no function's parameters. */
function bodyEnd(code: string, closing: ReadonlyMap<number, number>, at: number, afterControl: boolean) {
  let previous = "";
  let angles = 0;
  TYPE_TOKEN.lastIndex = at;
  for (let match = TYPE_TOKEN.exec(code); match !== null; match = TYPE_TOKEN.exec(code)) {
    const token = match[1] as string;
    const start = TYPE_TOKEN.lastIndex - token.length;
    if (previous === "" && !/^(?:=>|[:{])$/.test(token)) return null;
    // Parameters of a type, as in `(): (a: number) => void {`.
    const isOfType = token === "=>" && previous === "(";
    if (token === "=>" && angles === 0 && !isOfType) return expressionEnd(code, closing, start + 2);
    const isBody = token === "{" && !/^[:|&<,]$/.test(previous) && angles === 0;
    if (isBody) return afterControl ? null : ((closing.get(start) as number) ?? null);
    if (STATEMENT_WORD.test(token) || /^[;=)\]}]$/.test(token) || (token === "," && angles === 0))
      return null;
    if (token === "<") angles++;
    if (token === ">") angles--;
    if (OPENING.includes(token)) TYPE_TOKEN.lastIndex = (closing.get(start) ?? start) + 1;
    previous = token;
  }
  return null;
}

/** The end of an arrow function's body: its brace, or what ends the expression, or the type that it was. */
function expressionEnd(code: string, closing: ReadonlyMap<number, number>, from: number): number {
  const first = from + (/\S/.exec(code.slice(from))?.index ?? 0);
  if (code[first] === "{") return closing.get(first) ?? first;
  let at = first;
  while (at < code.length && !/[;,)\]}]/.test(code[at] as string)) {
    if (code[at] === "{" && /[\w$>\]]\s*$/.test(code.slice(first, at))) break;
    at = (closing.get(at) ?? at) + 1;
  }
  return at;
}
