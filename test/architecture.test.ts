/**
 * Holds the code to its design: who imports whom, one home per library, sizes, names and marks. It reads
 * files as text, because TypeScript 7 has no JavaScript interface. Each rule carries violations that it
 * must see.
 */
import { homedir } from "node:os";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import {
  findCycles,
  findFunctions,
  findSpans,
  readSourceFiles,
  type SourceFile,
  sourceFile,
} from "./support/source-files.ts";

const root = resolve(import.meta.dirname, "..");
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "docs",
  "deploy",
  "examples",
];

/**
 * Each may import itself and those to its left. `config` stands aside, and so will `dashboard`, the status
 * page of the roadmap: see `mayImport`.
 */
const rooms = [
  ..."models engine cache services routes app app-listener".split(" "),
  ..."server admin control-plane worker cluster commands main".split(" "),
];

/** The one home of each library. One that is missing here has none yet. */
const libraryHomes: Readonly<Record<string, RegExp>> = {
  "@hono/node-server": /^src\/(?:app-listener|admin)\.ts$/,
  "classic-level": /^src\/services\/persistence\//,
  cockatiel: /^src\/services\//,
  "eventsource-parser": /^src\/services\/realtime\//,
  "fastest-levenshtein": /^src\/config\/nearest-name\.ts$/,
  hono: /^src\/(?:routes\/|app\.ts$)/,
  "lru-cache": /^src\/cache\/identity-response-cache\.ts$/,
  "node:cluster": /^src\/cluster\.ts$/,
  pino: /^src\/config\/logger\.ts$/,
  "pino-pretty": /^src\/config\/logger\.ts$/,
  re2js: /^src\/engine\//,
  undici: /^src\/services\/upstream\//,
  zod: /^src\/(?:models|config)\//,
};

/** The bindings of a request are described by the adapter's types, which leave no trace at run time. */
const lawfulTypeImports: Readonly<Record<string, string>> = {
  "src/routes/http-context.ts": "@hono/node-server",
};

/** What the engine may take from Node: nothing that reads a file, a socket or a clock. */
const engineModules = ["node:buffer", "node:crypto", "node:module", "node:util"];

const fileLinesMax: Readonly<Record<string, number>> = { "src/server.ts": 100, "src/main.ts": 40 };
/** Tests are lists of cases, and may go on for longer. */
const folderLinesMax: Readonly<Record<string, number>> = { src: 250, bench: 250, test: 400 };
const functionLinesMax = 60;
const lineColumnsMax = 110;

/** Words that say nothing about what is in a file. */
const emptyWords = "manager helper helpers util utils common misc data info impl env".split(" ");

type Check = (files: readonly SourceFile[]) => string[];

const isCode = ({ path }: SourceFile): boolean => path.endsWith(".ts");
const isSource = ({ path }: SourceFile): boolean => path.startsWith("src/");
const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const roomOf = (path: string): string => path.replace(/^src\//, "").replace(/(?:\/.*|\.ts)$/, "");

/** Reports what `look` says of each file. */
function eachFile(look: (file: SourceFile) => readonly string[], among = isCode): Check {
  const lookAt = (file: SourceFile): string[] => look(file).map((fault) => `${file.path}: ${fault}`);
  return (files) => files.filter(among).flatMap(lookAt);
}

/** Reports where blanked code matches `pattern`, in the files whose paths match `among`. */
function forbidden(pattern: RegExp, among = /\.ts$/): Check {
  const look = ({ code }: SourceFile): string[] =>
    [...code.matchAll(pattern)].map(({ 0: match, index }) => {
      return `line ${code.slice(0, index).split("\n").length}: ${match.trim()}`;
    });
  return eachFile(look, ({ path }) => among.test(path));
}

function roomViolations({ path, imports }: SourceFile): string[] {
  const from = roomOf(path);
  if (!rooms.includes(from) && !["config", "dashboard"].includes(from)) return [`${from} is no room`];
  return imports.flatMap((each) => {
    const to = each.path === null ? from : roomOf(each.path);
    if (each.path?.startsWith("src/") === false) return [`imports ${each.path} from outside src`];
    return to === from || mayImport(from, to) ? [] : [`${from} must not import ${to} (${each.specifier})`];
  });
}

function mayImport(from: string, to: string): boolean {
  if (from === "config" || from === "dashboard") return to === "models";
  if (to === "config") return ["server", "worker", "admin", "cluster", "commands"].includes(from);
  if (to === "dashboard") return ["routes", "app", "server"].includes(from);
  return rooms.includes(to) && rooms.indexOf(to) < rooms.indexOf(from);
}

function libraryViolations({ path, imports }: SourceFile): string[] {
  const libraries = imports
    .filter((each) => each.path === null && !(each.typeOnly && lawfulTypeImports[path] === each.specifier))
    .map(({ specifier }) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
  return libraries.flatMap((library) => {
    const home = libraryHomes[library];
    if (home === undefined) return library.startsWith("node:") ? [] : [`${library} has no home yet`];
    return home.test(path) ? [] : [`${library} is not at home here`];
  });
}

function sizeViolations({ path, text, code }: SourceFile): string[] {
  const lines = text.trimEnd().split("\n");
  const linesMax = fileLinesMax[path] ?? folderLinesMax[path.split("/", 1)[0] as string] ?? 250;
  const wide = lines.findIndex((line) => [...line].length > lineColumnsMax);
  return [
    ...(lines.length > linesMax ? [`${lines.length} lines, over ${linesMax}`] : []),
    ...(wide >= 0 ? [`line ${wide + 1} has more than ${lineColumnsMax} columns`] : []),
    ...findFunctions(code)
      .filter((each) => each.lines > functionLinesMax)
      .map((each) => `the function at line ${each.line} has ${each.lines} lines, over ${functionLinesMax}`),
  ];
}

function nameViolations({ path }: SourceFile): string[] {
  const odd = path.split("/").filter((part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)*$/.test(part));
  // "Data plane" is a word of the architecture, and "engine-test-data" the name of a repository.
  const words = path.replace(/data-plane|engine-test-data/g, "").split(/[-./]/);
  return [
    ...odd.map((part) => `${part} is not kebab-case`),
    ...(nameOf(path) === "index.ts" ? ["a barrel"] : []),
    ...words.filter((word) => emptyWords.includes(word)).map((word) => `"${word}" says nothing`),
  ];
}

function findSharedNames(files: readonly SourceFile[]): string[] {
  const groups = Map.groupBy(files.filter(isCode), ({ path }) => nameOf(path));
  const shared = [...groups.values()].filter((group) => group.length > 1);
  return shared.map((group) => `one name for ${group.map(({ path }) => path).join(" and ")}`);
}

function markViolations({ comments }: SourceFile): string[] {
  return comments.flatMap((comment) => comment.match(/\b(?:FIXME|XXX|HACK)\b|\bTODO\b(?!\(#\d+\))/g) ?? []);
}

/** Paths of somebody's machine: home folders, and wherever this copy of the repository stands. */
function machinePaths({ text }: SourceFile): string[] {
  const own = [root, homedir()].filter((path) => path.lastIndexOf("/") > 0 && text.includes(path));
  const folders = /(?<![\w.~/-])\/(?:home|root|Users|work|workspaces?)\/\S*|\b[A-Z]:\\\S*/g;
  return [...own, ...(text.match(folders) ?? [])];
}

/** Imports of files by another way than `./file.ts`; a JSON file is no module of ours. */
function pathViolations({ imports }: SourceFile): string[] {
  const way = /^(?:\.\.?\/.*(?<!\.ts|\.json)|\/.*|(?:src|test|bench)\/.*|#.*)$/;
  return imports.map(({ specifier }) => specifier).filter((specifier) => way.test(specifier));
}

function engineModuleViolations({ path, imports }: SourceFile): string[] {
  const modules = imports.map(({ specifier }) => specifier).filter((module) => module.startsWith("node:"));
  return roomOf(path) === "engine" ? modules.filter((module) => !engineModules.includes(module)) : [];
}

const opening = /^(?:#!.*\n)?\/[/*]/;
const environmentRead =
  /\bprocess\s*\.\s*env\b|\bprocess\s*\[|\{[^{}]*\benv\b[^{}]*\}\s*(?:=\s*process\b|from\b)/g;
const impure =
  /\bnew Date\(\)|\b(?:Date\.now|performance|Math\.random|randomUUID|console|process|fetch|set[TI]\w+)\b/g;

const checks: Readonly<Record<string, Check>> = {
  "imports go to the left": eachFile(roomViolations, isSource),
  "files import each other in no circle": (files) => findCycles(files.filter(isCode)),
  "imports within the repository are relative, with .ts": eachFile(pathViolations),
  "each library has one home": eachFile(libraryViolations, isSource),
  "process.env stays in config": forbidden(environmentRead, /^src\/(?!config\/|commands\/|main\.ts)/),
  "the engine is pure": forbidden(impure, /^src\/(?:engine|models)\//),
  "the engine takes no I/O from Node": eachFile(engineModuleViolations, isSource),
  "files, functions and lines are short": eachFile(sizeViolations),
  "a file opens with a comment": eachFile(({ text }) => (opening.test(text) ? [] : ["opens without"])),
  "nothing is exported as default": forbidden(/^export default\b|\bas default\b/gm),
  "no variable of a module is reassigned": forbidden(/^(?:export )?(?:let|var)\b.*/gm),
  "no file hands on another's exports": forbidden(/^export \*.*/gm),
  "no enums and namespaces": forbidden(/^\s*(?:(?:export|declare|const) )*(?:enum|namespace) [\w$.]+ \{/gm),
  "a file's name says what is in it": eachFile(nameViolations),
  "no two files share a name": findSharedNames,
  "a mark names its issue": eachFile(markViolations),
  "documents name no path of a machine": eachFile(machinePaths, (file) => !isCode(file)),
};

/**
 * What each check must see (!) and must let pass (=): `path | text`, files apart by `||`. ⏎ breaks a line.
 */
const plants = `
imports go to the left
! src/engine/a.ts | import { b } from "../cache/b.ts";
! src/models/a.ts | import type { B } from "../engine/b.ts";
! src/services/upstream/a.ts | const b = await import("../../routes/b.ts");
! src/server.ts | export { b } from "./cluster.ts";
! src/cache/a.ts | import { b } from "../config/b.ts";
! src/config/a.ts | import { b } from "../engine/b.ts";
! src/models/a.ts | import b from "../../test/b.ts";
! src/lib/a.ts | // A room that is none.
= src/engine/a.ts | import {⏎  b,⏎} from "../models/b.ts"; // from "../cache/b.ts"
= src/commands/a.ts | import { b } from "../config/b.ts"; const text = 'import "../main.ts"';
files import each other in no circle
! src/app.ts | import "./b.ts"; || src/b.ts | import "./c.ts"; || src/c.ts | import "./app.ts";
! src/engine/a.ts | import type { A } from "./a.ts";
= src/app.ts | import "./b.ts"; import "./c.ts"; || src/b.ts | import "./c.ts"; || src/c.ts | //
imports within the repository are relative, with .ts
! src/engine/a.ts | import { b } from "./b";
! src/engine/a.ts | import { b } from "./b.js";
! test/a.test.ts | import { b } from "src/engine/b.ts";
! test/a.test.ts | import { b } from "/src/engine/b.ts";
= src/engine/a.ts | import { b } from "./b.ts"; import file from "../../package.json" with { type: "json" };
each library has one home
! src/services/a.ts | import { Hono } from "hono";
! src/routes/a.ts | import { cors } from "hono/cors"; import { z } from "zod";
! src/server.ts | import { request } from "undici";
! src/routes/http-context.ts | import { serve } from "@hono/node-server";
! src/server.ts | const cluster = require("node:cluster");
! src/engine/a.ts | import leftPad from "left-pad";
= src/routes/http-context.ts | import type { HttpBindings } from "@hono/node-server"; import "hono/cors";
= src/services/a.ts | import { readFile } from "node:fs/promises"; import { b } from "./hono.ts";
process.env stays in config
! src/services/a.ts | const key = process.env["KEY"];
! src/server.ts | const { env: all } = process;
! src/app.ts | import { env } from "node:process";
= src/config/a.ts | const key = process.env["KEY"]; || src/main.ts | run(process.env);
= src/server.ts | const pid = process.pid; // not process.env
the engine is pure
! src/engine/a.ts | const now = Date.now();
! src/engine/a.ts | const now = new Date();
! src/engine/regex/a.ts | const start = performance.now();
! src/engine/a.ts | const heads = Math.random() < 0.5;
! src/models/a.ts | console.log("heads");
= src/engine/a.ts | const at = new Date(text); // Date.now()
= src/services/a.ts | const now = Date.now();
the engine takes no I/O from Node
! src/engine/a.ts | import { readFileSync } from "node:fs";
! src/engine/a.ts | import { connect } from "node:net";
= src/engine/a.ts | import { hash } from "node:crypto";
a file opens with a comment
! src/engine/a.ts | import { hash } from "node:crypto"; // late
= src/main.ts | #!/usr/bin/env node⏎/** The entry. */
nothing is exported as default
! src/engine/a.ts | export default 1;
! test/a.test.ts | export { a as default };
= vitest.config.js | export default 1;
no variable of a module is reassigned
! src/engine/a.ts | let count = 0;
! src/engine/a.ts | export let count = 0;
= src/engine/a.ts | function f() {⏎  let count = 0;⏎}⏎const text = \`⏎let count = 0;⏎\`;
no file hands on another's exports
! src/engine/a.ts | export * from "./b.ts";
no enums and namespaces
! src/engine/a.ts | export const enum Colour { Red }
! src/engine/a.ts | declare namespace Colours {⏎}
= src/engine/a.ts | const namespace = "x"; // enum Colour {
a file's name says what is in it
! src/engine/matchHelper.ts | //
! src/engine/match-helper.ts | //
! src/utils/match.ts | //
! src/engine/index.ts | //
= test/e2e/data-plane-start.ts | //
= src/engine/metadata.ts | //
no two files share a name
! src/engine/a.ts | // || src/cache/a.ts | //
= src/engine/a.ts | // || test/engine/a.test.ts | //
a mark names its issue
! src/engine/a.ts | // TODO: later
! src/engine/a.ts | /* FIXME */
= src/engine/a.ts | // TODO(#12): later⏎const mark = "XXX";
documents name no path of a machine
! README.md | Go to /home/me/flags and start it.
! docs/architecture.md | see C:\\Users\\me
= README.md | GET /api/v1/flags, /app/config.json, https://example.com/home/page, ~/root/x
`;

/** A rule's plants: the files of each, and whether its check must see something in them. */
function plantsOf(
  rule: string,
): { readonly line: string; readonly isBroken: boolean; readonly files: SourceFile[] }[] {
  const lines = plants.split("\n");
  const start = lines.indexOf(rule) + 1;
  const end = lines.findIndex((line, index) => index >= start && !/^[!=] /.test(line));
  return lines.slice(start, end).map((line) => {
    const files = line
      .slice(2)
      .split(" || ")
      .map((each) => {
        const [path = "", text = ""] = each.split(" | ");
        return sourceFile(path, text.replaceAll("⏎", "\n"));
      });
    return { line, isBroken: line.startsWith("!"), files };
  });
}

const repository = [
  ...readSourceFiles(root, ["src", "test", "bench", "build"], ".ts"),
  ...readSourceFiles(root, documents, ".md"),
];

describe.each(Object.entries(checks))("%s", (rule, check) => {
  it("holds in this repository", () => {
    expect(check(repository)).toEqual([]);
  });

  it.for(plantsOf(rule))("tells $line", ({ files, isBroken }) => {
    expect(check(files)).toHaveLength(isBroken ? 1 : 0);
  });
});

it("reads the files it is to check", () => {
  const paths = repository.map(({ path }) => path);
  expect(paths).toContain("src/app.ts");
  expect(paths).toContain("test/architecture.test.ts");
  expect(repository.filter(isSource).every(({ code, text }) => code.length === text.length)).toBe(true);
});

/** The linter takes a placeholder in a plain string for a mistake. */
const withDollars = (text: string): string => text.replaceAll("§", "$");

describe("sizes", () => {
  const sizes = (path: string, text: string): string[] => sizeViolations(sourceFile(path, text));

  it("counts a file's lines, and fewer for the entry and the composition root", () => {
    expect(sizes("src/a.ts", "//\n".repeat(250))).toEqual([]);
    expect(sizes("src/a.ts", "//\n".repeat(251))).toEqual(["251 lines, over 250"]);
    expect(sizes("src/server.ts", "//\n".repeat(101))).toEqual(["101 lines, over 100"]);
    expect(sizes("src/main.ts", "//\n".repeat(41))).toEqual(["41 lines, over 40"]);
  });

  it("counts a line's columns in characters", () => {
    expect(sizes("src/a.ts", `\n//${"é".repeat(108)}\n`)).toEqual([]);
    expect(sizes("src/a.ts", `\n//${"é".repeat(109)}\n`)).toEqual(["line 2 has more than 110 columns"]);
  });

  it.each([
    "function f(): void {BODY}",
    "const f = async (a: string, b = [1]): Promise<Map<string, number>> => {BODY};",
    "class A {\n  m({ a }: { a: number } = { a: 1 }): { b: string }[] {BODY}\n}",
    "const f = (a: number) => g({BODY}, a);",
    "if (a) {\n  run(() => {BODY});\n}",
    'describe("x", () => {\n  it.each([1])("y", () => {BODY});\n});',
    "function f(a: number): (b: number) => void {BODY}\n\nfunction g(): void {BODY}",
    "function* f<T>(a: T): a is string & { b: T } {BODY}",
    'const a = { "b c"(): (() => void) | null {BODY} };',
  ])("measures %s", (code) => {
    const long = code.replace("BODY", withDollars("\n  // }\n  a = `}§{{}}`;").repeat(30));
    expect(sizes("src/a.ts", long.replace("  // }\n", ""))).toEqual([]);
    expect(sizes("src/a.ts", long)).toEqual([expect.stringMatching(/^the function at line \d has 61 lines/)]);
  });

  it.each([
    "if (a) {BODY}",
    "for (const a of b) {BODY}",
    "class A {BODY}",
    'describe("x", () => {BODY});',
    'describe.skipIf(a(b))("x", () => {BODY});',
  ])("takes %s for no function", (code) => {
    expect(sizes("src/a.ts", code.replace("BODY", "\n  a();".repeat(70)))).toEqual([]);
  });
});

describe("reading a text", () => {
  it.each([
    ["a / b / c // d", "comment: // d"],
    ["const a = /[/]\"'`/.test(b) / 2 / 1;", "regex: /[/]\"'`/"],
    ["return /a/g;", "regex: /a/g"],
    ["x = a[0] /* / */ / b / c;", "comment: /* / */"],
    ["f(/* a */ /b'/);", "comment: /* a */, regex: /b'/"],
    ["'it\\'s // \"' + \"/*\"", "string: 'it\\'s // \"', string: \"/*\""],
    ["`a §{{ b: `c §{d / e}` }.b} // f`", "string: `a §{, string: `c §{, string: }`, string: } // f`"],
    ["`\\`§{a}$` / b", "string: `\\`§{, string: }$`"],
  ])("finds the spans of %s", (template, expected) => {
    const text = withDollars(template);
    const spans = findSpans(text).map(({ kind, start, end }) => `${kind}: ${text.slice(start, end)}`);
    expect(spans.join(", ")).toBe(withDollars(expected));
  });
});
