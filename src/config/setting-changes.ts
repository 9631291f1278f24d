/**
 * What a configuration that was read again changes, and what of it counts before a restart. It compares
 * values, and never shows them: they may be keys.
 */
import { isDeepStrictEqual } from "node:util";
import type { ConfigFile } from "./config-file-schema.ts";
import { isTree, joinPath } from "./config-tree.ts";
import { classOf, type SettingClass } from "./setting-classes.ts";

/** One setting that has another value than before. */
export interface SettingChange {
  /** Such as `limits.traits_max`; a list is one setting, and so is a section where it is null, or was. */
  readonly path: string;
  readonly class: SettingClass;
  readonly value: unknown;
}

/** @returns the settings whose values differ, in the schema's order */
export function settingChanges(before: ConfigFile, after: ConfigFile): SettingChange[] {
  return changesOf(before, after, "", heldPaths(before, after));
}

/** Settings that make sense together: those on the right wait for the restart that those on the left need. */
const couplings: readonly (readonly [needing: readonly string[], waiting: readonly string[]])[] = [
  [["proxy_key", "api_url", "offline"], ["environment_key_pairs"]],
  [["server.proxy_headers"], ["server.allow_clients", "server.rate_limit"]],
];

/** @returns live settings that wait all the same */
function heldPaths(running: ConfigFile, read: ConfigFile): ReadonlySet<string> {
  const differs = (path: string) => !isDeepStrictEqual(valueAt(running, path), valueAt(read, path));
  return new Set(couplings.flatMap(([needing, waiting]) => (needing.some(differs) ? waiting : [])));
}

function valueAt(file: ConfigFile, path: string): unknown {
  return path.split(".").reduce<unknown>((at, name) => (isTree(at) ? at[name] : undefined), file);
}

function changesOf(
  before: unknown,
  after: unknown,
  path: string,
  held: ReadonlySet<string>,
  classOfSection: SettingClass | null = null,
): SettingChange[] {
  const known = held.has(path) ? "restart" : (classOf(path) ?? classOfSection);
  if (isTree(before) && isTree(after)) {
    return Object.keys(after).flatMap((name) =>
      changesOf(before[name], after[name], joinPath(path, name), held, known),
    );
  }
  // Of a section that may be null, and is, or was, the settings may be of several classes.
  return isDeepStrictEqual(before, after) ? [] : [{ path, class: known ?? "restart", value: after }];
}

/** @returns the settings that run once the others are read: theirs where they are live */
export function withLiveSettings(running: ConfigFile, read: ConfigFile): ConfigFile {
  return mixed(running, read, "", heldPaths(running, read)) as ConfigFile;
}

function mixed(running: unknown, read: unknown, path: string, held: ReadonlySet<string>): unknown {
  const known = held.has(path) ? "restart" : classOf(path);
  if (known !== null) return known === "live" ? read : running;
  if (!isTree(running) || !isTree(read)) return running;
  return Object.fromEntries(
    Object.keys(running).map((name) => [name, mixed(running[name], read[name], joinPath(path, name), held)]),
  );
}
