/**
 * Loads the configuration: the file, then variables over it, then references, then the schema. It collects
 * all faults before it gives up, and must not log: warnings are the caller's to report.
 */
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import { ConfigError, type ConfigFault } from "../models/errors.ts";
import type { Settings } from "../models/settings.ts";
import { readCertificatePairs } from "./certificate-settings.ts";
import { findDuplicateKeys, findWarnings } from "./config-checks.ts";
import { type ConfigFile, configFileSchema } from "./config-file-schema.ts";
import {
  type ConfigTree,
  type ConfigWarning,
  canonicalise,
  isTree,
  joinPath,
  mergeTrees,
} from "./config-tree.ts";
import { type Environment, readVariableSettings } from "./environment-variables.ts";
import { readJson } from "./json-text.ts";
import { expandReferences } from "./secret-references.ts";
import { describeValue } from "./setting-readers.ts";
import { type FileReader, type FileReading, readTextFile } from "./text-file.ts";
import { type ReadBeside, toSettings } from "./to-settings.ts";
import { readSurroundings } from "./upstream-surroundings.ts";

/** Where the configuration comes from. */
export interface LoadOptions {
  /** The file; without it `CONFIG_PATH`, and without that `./config.json`. */
  readonly configPath?: string | undefined;
  /** The variables; those of the process unless given. */
  readonly environment?: Environment | undefined;
  /** Reads the file and the secrets that it refers to; `readTextFile` unless given. Paths are absolute. */
  readonly readFile?: FileReader | undefined;
}

/** A configuration that is valid. */
export interface LoadedSettings {
  readonly settings: Settings;
  readonly warnings: readonly ConfigWarning[];
  /** The file that was read; null where the variables alone were enough. */
  readonly configPath: string | null;
  /** The same settings by the names of the file, and what was read beside it. */
  readonly file: ConfigFile;
  readonly beside: ReadBeside;
}

/**
 * Loads the settings (contract A12).
 *
 * @returns the settings with all defaults, and remarks for the log
 * @throws ConfigError with all faults at once; no fault holds a key or a secret
 */
export function loadSettings(options: LoadOptions = {}): LoadedSettings {
  const { file, path, ...origin } = locate(options);
  return { ...settle(file, origin), configPath: file.found ? path : null };
}

/**
 * The section `server` alone, without the files that it names: a probe must find a proxy that runs whatever
 * has become of them since.
 * @returns null where the settings cannot be read
 */
export function loadServerSection(options: LoadOptions = {}): ConfigFile["server"] | null {
  const { file, ...origin } = locate(options);
  return check(file, origin).parsed.data?.server ?? null;
}

interface Origin {
  readonly environment: Environment;
  readonly directory: string;
  readonly readFile: FileReader;
}

function locate(options: LoadOptions): Origin & { readonly file: FileSettings; readonly path: string } {
  const environment = options.environment ?? process.env;
  const variable = environment["CONFIG_PATH"] || undefined;
  const path = options.configPath ?? variable ?? "./config.json";
  const { readFile = readTextFile } = options;
  const givesPairs = Object.keys(environment).some((each) => /^environment_key_pairs$/i.test(each));
  // The image sets CONFIG_PATH, so a file that it names may be missing; one asked for by hand may not.
  const mayBeMissing = givesPairs && options.configPath === undefined;
  const file = readConfigFile(path, readFile(resolve(path)), {
    mayBeMissing,
    isNamed: variable !== undefined,
  });
  return { file, path, environment, directory: dirname(resolve(path)), readFile };
}

/**
 * Settings from a tree at hand, as a file would hold it; no file and no variable is read.
 *
 * @throws ConfigError with all faults at once
 */
export function settingsFrom(raw: ConfigTree): Settings {
  const file = { found: true, faults: [], ...canonicalise(raw) };
  return settle(file, { environment: {}, directory: ".", readFile: readTextFile }).settings;
}

/** Puts variables over the file, reads references, checks single settings. */
function check(file: FileSettings, { environment, directory, readFile }: Origin) {
  const variables = readVariableSettings(environment);
  const merged = mergeTrees(file.tree, variables.tree);
  const expanded = expandReferences(merged, { environment, directory, readFile });
  // Once: to compile a check of each section would take longer than all the checks.
  const parsed = configFileSchema.safeParse(expanded.tree, { jitless: true });
  return { variables, expanded, parsed };
}

/** Checks all of it, and the files that it names. */
function settle(file: FileSettings, origin: Origin): Omit<LoadedSettings, "configPath"> {
  const { environment, directory } = origin;
  const { variables, expanded, parsed } = check(file, origin);
  const { surroundings, ...ambient } = readSurroundings(expanded.tree, directory, environment);
  const { pairs, ...certificates } = readCertificatePairs(expanded.tree, directory);

  const faults = [...file.faults, ...variables.faults, ...expanded.faults];
  const settled = new Set(expanded.faults.map((each) => each.path));
  const further = [...(parsed.error?.issues ?? []).map(toFault), ...findDuplicateKeys(expanded.tree)];
  faults.push(
    ...further.filter((each) => !settled.has(each.path)),
    ...ambient.faults,
    ...certificates.faults,
  );
  if (faults.length > 0 || parsed.data === undefined) {
    const sourced = faults.map((each) => withSource(each, variables.sources));
    throw new ConfigError(sourced, [...file.warnings, ...variables.warnings]);
  }
  const remarks = [...findWarnings(parsed.data), ...ambient.warnings, ...certificates.warnings];
  const beside = { surroundings, pairs, directory };
  return {
    settings: toSettings(parsed.data, beside),
    file: parsed.data,
    beside,
    warnings: [...file.warnings, ...variables.warnings, ...remarks],
  };
}

/** All defaults, as a file would hold them: for `render-config`. */
export function defaultConfigFile(): ConfigFile {
  return configFileSchema.parse({});
}

interface FileSettings {
  readonly found: boolean;
  readonly tree: ConfigTree;
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigWarning[];
}

/**
 * A file that is missing is no fault where the variables name environments; one that was named is worth a
 * word.
 */
function readConfigFile(
  path: string,
  reading: FileReading,
  { mayBeMissing, isNamed }: { readonly mayBeMissing: boolean; readonly isNamed: boolean },
): FileSettings {
  const none = { found: false, tree: {}, faults: [], warnings: [] };
  if (reading.text === null) {
    const warning = { path, message: "no configuration file there: the variables alone decide" };
    if (reading.missing && mayBeMissing) return { ...none, warnings: isNamed ? [warning] : [] };
    const fault = reading.missing ? "no configuration file there" : reading.fault;
    const create = "Create one with `flag-edge-proxy render-config > config.json`, or set CONFIG_PATH.";
    const remedy = reading.missing ? create : "Make it a readable JSON file, or set CONFIG_PATH to one.";
    return { ...none, faults: [{ path, fault, remedy }] };
  }
  const json = readJson(reading.text);
  if ("fault" in json) {
    return { ...none, faults: [{ path, fault: json.fault, remedy: "Correct the file at that place." }] };
  }
  if (!isTree(json.value)) {
    const fault = `expected a JSON object, found ${describeValue(json.value)}`;
    return { ...none, faults: [{ path, fault, remedy: "Put all settings into one pair of braces." }] };
  }
  return { found: true, faults: [], ...canonicalise(json.value) };
}

/** Zod's own issues are wrong types of sections and lists; all others carry their remedy. */
function toFault(issue: z.core.$ZodIssue): ConfigFault {
  const path = issue.path.reduce<string>(
    (joined, part) => (typeof part === "number" ? `${joined}[${part}]` : joinPath(joined, String(part))),
    "",
  );
  if (issue.code !== "invalid_type") {
    const remedy = issue.code === "custom" ? String(issue.params?.["remedy"]) : "Correct the setting.";
    return { path, fault: issue.message, remedy };
  }
  const wanted = issue.expected === "array" ? "a list" : "an object";
  return { path, fault: `expected ${wanted}`, remedy: `Set ${wanted}, or remove the setting.` };
}

/** Names the variable that gave the faulty setting: otherwise one would look for it in the file. */
function withSource(fault: ConfigFault, sources: ReadonlyMap<string, string>): ConfigFault {
  for (const [path, variable] of sources) {
    if (isWithin(fault.path, path) || isWithin(path, fault.path)) {
      return { ...fault, fault: `${fault.fault}, in the variable ${variable}` };
    }
  }
  return fault;
}

/** Whether the inner path is the outer one or lies below it. */
function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}[`) || inner.startsWith(`${outer}.`);
}
