/**
 * Trees of raw settings, as JSON gives them: known names resolved against the schema, aliases replaced, and
 * merged. It must not judge values: the schema does.
 */
import { z } from "zod";
import { configFileSchema, settingAliases } from "./config-file-schema.ts";
import { nearestName, shownName } from "./nearest-name.ts";

/** One remark for the operator on a configuration that is valid. */
export interface ConfigWarning {
  /** The setting's path, such as `server.reload`, or the name of a variable. */
  readonly path: string;
  /** One sentence without a full stop; it holds no key and no secret. */
  readonly message: string;
}

/** Raw settings by name. */
export type ConfigTree = Readonly<Record<string, unknown>>;

/** Joins a path and a name: `server` and `port` make `server.port`. */
export function joinPath(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Whether the value is a JSON object, rather than a list, text, number, boolean or null. */
export function isTree(value: unknown): value is ConfigTree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The schema below defaults and null, where names and elements can be asked for. */
export function innerSchema(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodPrefault || schema instanceof z.ZodNullable
    ? innerSchema(schema.unwrap())
    : schema;
}

/**
 * The setting's own name for a name or an alias of it; undefined where the section has no such setting.
 *
 * @param section the section's schema
 * @param path the section's path; empty for the whole file
 * @param ignoreCase as for environment variables
 */
export function resolveName(
  section: z.core.$ZodType,
  path: string,
  name: string,
  ignoreCase = false,
): string | undefined {
  const inner = innerSchema(section);
  if (!(inner instanceof z.ZodObject)) return undefined;
  const wanted = ignoreCase ? name.toLowerCase() : name;
  if (Object.hasOwn(inner.shape, wanted)) return wanted;
  const alias = joinPath(path, wanted);
  return Object.hasOwn(settingAliases, alias) ? settingAliases[alias] : undefined;
}

/**
 * Keeps what the schema knows, under its own names; the rest becomes a warning each. A null section stands
 * for its defaults, as a null `health_check` starts proxy-rs.
 */
export function canonicalise(raw: ConfigTree): { tree: ConfigTree; warnings: ConfigWarning[] } {
  const warnings: ConfigWarning[] = [];
  return { tree: canonicalSection(configFileSchema, raw, "", warnings), warnings };
}

function canonicalValue(
  schema: z.core.$ZodType,
  value: unknown,
  path: string,
  warnings: ConfigWarning[],
): unknown {
  const inner = innerSchema(schema);
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((each, index) => canonicalValue(inner.element, each, `${path}[${index}]`, warnings));
  }
  if (!(inner instanceof z.ZodObject)) return value;
  if (value === null) return acceptsNull(schema) ? null : {};
  return isTree(value) ? canonicalSection(inner, value, path, warnings) : value;
}

function canonicalSection(
  section: z.ZodObject,
  raw: ConfigTree,
  path: string,
  warnings: ConfigWarning[],
): ConfigTree {
  const kept: [string, unknown][] = [];
  for (const [name, value] of Object.entries(raw)) {
    const known = resolveName(section, path, name);
    if (known === undefined) {
      warnings.push(unknownSetting(path, name));
    } else if (known !== name && Object.hasOwn(raw, known)) {
      const message = `without effect, as ${known} is given too`;
      warnings.push({ path: joinPath(path, name), message });
    } else {
      const schema = section.shape[known] as z.core.$ZodType;
      kept.push([known, canonicalValue(schema, value, joinPath(path, known), warnings)]);
    }
  }
  // NOTE: fromEntries defines properties: an unlucky name such as __proto__ cannot reach a prototype.
  return Object.fromEntries(kept);
}

function acceptsNull(schema: z.core.$ZodType): boolean {
  if (schema instanceof z.ZodPrefault) return acceptsNull(schema.unwrap());
  return schema instanceof z.ZodNullable;
}

function unknownSetting(path: string, name: string): ConfigWarning {
  const nearest = nearestName(path.replace(/\[\d+\]/g, "[]"), name, settingPaths());
  const hint = nearest === null ? "" : `; did you mean "${nearest}"?`;
  const shown = nearest === null ? shownName(name) : name;
  return { path: joinPath(path, shown), message: `unknown setting, without effect${hint}` };
}

/**
 * The path of each setting of the file, sections included, in the schema's order: `server`, `server.host`,
 * ….
 */
export function settingPaths(schema: z.core.$ZodType = configFileSchema, path = ""): string[] {
  const inner = innerSchema(schema);
  if (inner instanceof z.ZodArray) return settingPaths(inner.element, `${path}[]`);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape).flatMap(([name, child]) => {
    const childPath = joinPath(path, name);
    return [childPath, ...settingPaths(child, childPath)];
  });
}

/** `over` laid upon `base`: objects are merged at any depth, all else is replaced (contract B 3.2). */
export function mergeTrees(base: ConfigTree, over: ConfigTree): ConfigTree {
  const merged = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(over)) {
    const below = merged.get(name);
    merged.set(name, isTree(below) && isTree(value) ? mergeTrees(below, value) : value);
  }
  return Object.fromEntries(merged);
}
