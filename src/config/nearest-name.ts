/**
 * Finds the setting that an unknown name most likely means. It must never repeat a name that looks like a
 * key: keys end up as names by mistake.
 */
import { distance } from "fastest-levenshtein";
import { maskKey } from "../models/masked-key.ts";
import { settingAliases } from "./config-file-schema.ts";

/**
 * The path of the setting meant, or null where none is near: the name of the section with the fewest typing
 * errors, at most about a third of the name, else the same name in another section, as `port` for
 * `server.port`.
 *
 * @param path the section that holds the unknown name, list positions as `[]`; empty for the whole file
 * @param name the unknown name, as written
 * @param paths the paths of all settings
 */
export function nearestName(path: string, name: string, paths: readonly string[]): string | null {
  const wanted = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/-/g, "_")
    .toLowerCase();
  const prefix = path === "" ? "" : `${path}.`;
  const ranked = [...paths, ...Object.keys(settingAliases)]
    .filter((each) => each.startsWith(prefix) && !/[.[]/.test(each.slice(prefix.length)))
    .map((each) => ({ path: each, distance: distance(wanted, each.slice(prefix.length)) }))
    .sort((left, right) => left.distance - right.distance);
  const best = ranked[0];
  // Two letters swapped count as two errors.
  const errorsMax = Math.max(wanted.length < 4 ? 1 : 2, Math.floor(wanted.length / 3));
  if (best !== undefined && best.distance <= errorsMax) return best.path;
  return paths.find((each) => each.endsWith(`.${wanted}`)) ?? null;
}

/** An unknown name as warnings may show it: words as they are, all else by its last four characters. */
export function shownName(name: string): string {
  return /^([a-z_]{1,40}|[A-Z_]{1,40})$/.test(name) ? name : maskKey(name);
}
