/**
 * The command line of the comparison, read and checked in full before anything is started. It starts
 * nothing.
 */
import { parseArgs } from "node:util";
import { clientKey, heavyProfile, type Profile, serverKey, standardProfile } from "../profile-document.ts";
import {
  type ComparedCase,
  type ComparedRequest,
  caseNames,
  customCase,
  namedCase,
} from "./compared-case.ts";
import { UsageError } from "./comparison-errors.ts";
import { fillPlaceholders } from "./placeholders.ts";

export type Side = "A" | "B";

export interface ServerOptions {
  readonly side: Side;
  readonly source:
    | { readonly kind: "command"; readonly command: string; readonly url: string }
    | { readonly kind: "revision"; readonly revision: string };
  readonly name: string | null;
  readonly readyPath: string;
  readonly variables: Readonly<Record<string, string>>;
}

export interface CompareOptions {
  readonly servers: readonly [ServerOptions, ServerOptions];
  readonly cases: readonly ComparedCase[];
  readonly rounds: number;
  readonly windowSeconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly profileName: string;
  readonly profile: Profile;
  readonly tool: string | null;
  readonly serverCores: string;
  readonly loadCores: string;
  readonly startLimitSeconds: number;
  readonly installs: boolean;
  readonly json: boolean;
}

const profiles: Readonly<Record<string, Profile>> = {
  standard: standardProfile,
  heavy: heavyProfile,
  light: { features: 10, segments: 0, overridingSegments: 0, conditionsPerSegment: 0, identityOverrides: 0 },
};

const text = { type: "string" } as const;
const texts = { type: "string", multiple: true } as const;
const flag = { type: "boolean", default: false } as const;

const words = {
  ...{ a: text, "a-url": text, "a-revision": text, "a-name": text, "a-ready": text, "a-env": texts },
  ...{ b: text, "b-url": text, "b-revision": text, "b-name": text, "b-ready": text, "b-env": texts },
  ...{ case: texts, path: text, method: text, body: text, header: texts },
  ...{ rounds: text, seconds: text, "warm-up": text, connections: text, "start-limit": text },
  ...{ profile: text, tool: text, "server-cores": text, "load-cores": text, ready: text },
  install: flag,
  json: flag,
  help: { type: "boolean", short: "h" },
} as const;

type Words = ReturnType<typeof parseWords>;

function parseWords(args: readonly string[]) {
  return parseArgs({ args: [...args], options: words }).values;
}

/**
 * @param args the command line without the program's name
 * @returns what is to be done; null: print the help
 * @throws UsageError naming what is wrong
 */
export function readCompareOptions(args: readonly string[]): CompareOptions | null {
  const given = readWords(args);
  if (given.help) return null;
  const profileName = given.profile ?? "standard";
  const serverCores = given["server-cores"] ?? "0";
  const loadCores = given["load-cores"] ?? "1";
  checkCores(serverCores, loadCores);
  return {
    servers: [readServer("A", given), readServer("B", given)],
    cases: readCases(given),
    rounds: wholeNumber("--rounds", given.rounds ?? "5", 1, 1000),
    windowSeconds: wholeNumber("--seconds", given.seconds ?? "5", 1, 3600),
    warmUpSeconds: wholeNumber("--warm-up", given["warm-up"] ?? "2", 0, 3600),
    connections: wholeNumber("--connections", given.connections ?? "32", 1, 10_000),
    profileName,
    profile: profiles[oneOf("--profile", profileName, Object.keys(profiles))] ?? standardProfile,
    tool: given.tool === undefined ? null : oneOf("--tool", given.tool, ["wrk", "autocannon"]),
    serverCores,
    loadCores,
    startLimitSeconds: wholeNumber("--start-limit", given["start-limit"] ?? "30", 1, 3600),
    installs: given.install,
    json: given.json,
  };
}

function readWords(args: readonly string[]): Words {
  try {
    return parseWords(args);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

function readServer(side: Side, given: Words): ServerOptions {
  const low = side === "A" ? "a" : "b";
  const { [low]: command, [`${low}-url` as const]: url, [`${low}-revision` as const]: revision } = given;
  const rest = {
    side,
    name: given[`${low}-name`] ?? null,
    readyPath: checkPath("--ready", given[`${low}-ready`] ?? given.ready ?? "/proxy/health"),
    variables: Object.fromEntries((given[`${low}-env`] ?? []).map((each) => variable(`--${low}-env`, each))),
  };
  if (revision !== undefined) {
    if (command !== undefined || url !== undefined)
      throw new UsageError(`--${low}-revision stands for --${low} and --${low}-url: give one or the other`);
    return { ...rest, source: { kind: "revision", revision } };
  }
  if (command === undefined || command.trim() === "")
    throw new UsageError(`server ${side} is missing: give --${low} with --${low}-url, or --${low}-revision`);
  if (url === undefined) throw new UsageError(`--${low}-url is missing: where does --${low} listen?`);
  checkUrl(`--${low}-url`, url);
  return { ...rest, source: { kind: "command", command, url } };
}

function readCases(given: Words): ComparedCase[] {
  const headers = Object.fromEntries((given.header ?? []).map(readHeader));
  const { path, method = "GET", body = "" } = given;
  if (path === undefined) {
    if (given.method !== undefined || given.body !== undefined)
      throw new UsageError("--method and --body need --path");
    return [...new Set(given.case ?? caseNames)].map((name) => namedCase(name, headers));
  }
  if (given.case !== undefined) throw new UsageError("--case and --path: give one or the other");
  if (body !== "" && method !== "POST") throw new UsageError("--body needs --method POST");
  const request: ComparedRequest = {
    method: oneOf("--method", method, ["GET", "POST"]),
    path: checkPath("--path", fillPlaceholders(path, { clientKey, serverKey })),
    headers,
    body: fillPlaceholders(body, { clientKey, serverKey }),
  };
  return [customCase(request)];
}

function readHeader(line: string): [string, string] {
  const [, name = "", value = ""] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([^\r\n]*)$/.exec(line) ?? [];
  if (name === "") throw new UsageError(`--header '${line}': not of the form 'Name: value'`);
  const lowName = name.toLowerCase();
  if (["content-length", "transfer-encoding", "connection"].includes(lowName))
    throw new UsageError(`--header '${line}': the load tool sets ${name} itself`);
  return [lowName, fillPlaceholders(value, { clientKey, serverKey })];
}

function variable(option: string, line: string): [string, string] {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(line) ?? [];
  if (name === undefined || value === undefined)
    throw new UsageError(`${option} '${line}': not of the form KEY=VALUE`);
  return [name, value];
}

function checkUrl(option: string, url: string): void {
  const filled = fillPlaceholders(url, { port: "1" });
  if (/^http:\/\/[^/?#@\s]+:\d+\/?$/.test(filled) && URL.canParse(filled)) return;
  throw new UsageError(`${option} ${url}: not of the form http://HOST:PORT`);
}

function checkPath(option: string, path: string): string {
  if (/^\/[!"$-~]*$/.test(path)) return path;
  throw new UsageError(`${option} ${path}: not a path of ASCII that starts with /, without blanks and #`);
}

function oneOf(option: string, value: string, known: readonly string[]): string {
  if (known.includes(value)) return value;
  throw new UsageError(`${option} ${value}: not one of ${known.join(", ")}`);
}

function wholeNumber(option: string, value: string, min: number, max: number): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`${option} ${value}: not a whole number from ${min} to ${max}`);
}

function checkCores(serverCores: string, loadCores: string): void {
  const own = coreNumbers("--server-cores", serverCores);
  const shared = coreNumbers("--load-cores", loadCores).find((core) => own.includes(core));
  if (shared === undefined) return;
  throw new UsageError(`--server-cores ${serverCores} and --load-cores ${loadCores} share core ${shared}`);
}

function coreNumbers(option: string, list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first))
      throw new UsageError(`${option} ${list}: not a list of cores such as 0-2,4`);
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
  });
}
