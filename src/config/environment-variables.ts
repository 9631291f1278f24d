/**
 * Environment variables that are settings: `API_URL`, `SERVER='{"port":9000}'`, `SERVER__PORT` (contract
 * A12). It must not be disturbed by others: a variable counts only by the exact name of a top-level setting.
 */
import { z } from "zod";
import type { ConfigFault } from "../models/errors.ts";
import { configFileSchema } from "./config-file-schema.ts";
import {
  type ConfigTree,
  type ConfigWarning,
  canonicalise,
  innerSchema,
  isTree,
  joinPath,
  mergeTrees,
  resolveName,
  settingPaths,
} from "./config-tree.ts";
import { readJson } from "./json-text.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings that variables give. */
export interface VariableSettings {
  readonly tree: ConfigTree;
  /** The path of each setting given here, to the variable that gave it. */
  readonly sources: ReadonlyMap<string, string>;
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigWarning[];
}

/**
 * Reads the settings among the variables. Names are taken without regard to case; where several variables
 * give one setting, the nested name wins over the whole section, and the setting's own name over its alias.
 */
export function readVariableSettings(environment: Environment): VariableSettings {
  const sources = new Map<string, string>();
  const faults: ConfigFault[] = [];
  const warnings: ConfigWarning[] = [...misspeltVariables(environment)];
  let tree: ConfigTree = {};
  for (const variable of variablesByPrecedence(environment)) {
    const ownName = ownNames.get(variable);
    const target = findTarget(ownName ?? variable);
    const text = environment[variable];
    // An empty setting is a fault, but platforms leave variables of their own empty.
    const isUnset = text === undefined || (ownName !== undefined && text.trim() === "");
    if (target === null || isUnset) continue;
    const reading = readVariable(target.schema, text);
    if ("fault" in reading) {
      faults.push({ path: variable, fault: reading.fault, remedy: jsonRemedy(target.schema) });
      continue;
    }
    const nested = target.names.reduceRight<unknown>((value, name) => ({ [name]: value }), reading.value);
    const known = canonicalise(nested as ConfigTree);
    warnings.push(...known.warnings.map((each) => ({ ...each, message: `${each.message} (${variable})` })));
    for (const path of leafPaths(known.tree, "")) sources.set(path, variable);
    tree = mergeTrees(tree, known.tree);
  }
  return { tree, sources, faults, warnings };
}

/**
 * What comes later wins. `API_POLL_TIMEOUT` sorts before `API_POLL_TIMEOUT_SECONDS`, its setting's own name.
 */
function variablesByPrecedence(environment: Environment): string[] {
  const rank = (name: string) => `${name.split("__").length} ${name.toLowerCase()} ${name}`;
  return Object.keys(environment).sort((left, right) => (rank(left) < rank(right) ? -1 : 1));
}

/** Variables that mean a setting by a name of their own, and the variable of its name (contract B 4.1). */
const ownNames: ReadonlyMap<string, string> = new Map([["WEB_CONCURRENCY", "SERVER__WORKERS"]]);

interface Target {
  /** The setting's own names from the top down. */
  readonly names: readonly string[];
  /** Null where the names lead to no known setting. */
  readonly schema: z.core.$ZodType | null;
}

/** The setting that a variable's name means; null where its first part is no top-level setting. */
function findTarget(variable: string): Target | null {
  const names: string[] = [];
  let schema: z.core.$ZodType | null = configFileSchema;
  let path = "";
  for (const part of variable.split("__")) {
    const known: string | undefined = schema === null ? undefined : resolveName(schema, path, part, true);
    if (known === undefined && names.length === 0) return null;
    const section: z.core.$ZodType | null = schema === null ? null : innerSchema(schema);
    const name: string = known ?? part.toLowerCase();
    schema = known !== undefined && section instanceof z.ZodObject ? section.shape[known] : null;
    names.push(name);
    path = joinPath(path, name);
  }
  return { names, schema };
}

/** Sections, lists and maps are JSON; a list that may be bare text is JSON where it starts as a list does. */
function readVariable(schema: z.core.$ZodType | null, text: string): ReturnType<typeof readJson> {
  const inner = schema === null ? null : innerSchema(schema);
  const isJson = inner instanceof z.ZodObject || inner instanceof z.ZodArray || inner instanceof z.ZodRecord;
  const isJsonByLook = inner instanceof z.ZodPipe && inner.out instanceof z.ZodArray && /^\s*["[]/.test(text);
  return isJson || isJsonByLook ? readJson(text) : { value: text };
}

function jsonRemedy(schema: z.core.$ZodType | null): string {
  const inner = schema === null ? null : innerSchema(schema);
  const isList = inner instanceof z.ZodArray || inner instanceof z.ZodPipe;
  const form = isList ? "a JSON list" : "a JSON object";
  return `Set it to ${form}, or unset it if it is not meant for this program.`;
}

function leafPaths(value: unknown, path: string): string[] {
  if (!isTree(value)) return [path];
  return Object.entries(value).flatMap(([name, child]) => leafPaths(child, joinPath(path, name)));
}

/**
 * `SERVER_PROXY_HEADERS`, with one underscore, stands in proxy-py's documentation and has no effect there
 * (contract B 3.2). Names without an underscore of their own, as `SERVER_PORT`, are left alone: Kubernetes
 * sets such variables for services.
 */
function misspeltVariables(environment: Environment): ConfigWarning[] {
  const meant = new Map(
    settingPaths()
      .filter((path) => /^\w+\.[a-z]+_\w+$/.test(path))
      .map((path) => [path.replace(".", "_").toUpperCase(), path.replace(".", "__").toUpperCase()]),
  );
  return Object.keys(environment).flatMap((variable) => {
    const name = meant.get(variable.toUpperCase());
    return name === undefined
      ? []
      : [{ path: variable, message: `unknown variable, without effect; did you mean "${name}"?` }];
  });
}
