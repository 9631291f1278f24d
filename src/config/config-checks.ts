/**
 * What single settings cannot tell: keys given twice, and settings that are valid but without the effect that
 * their author may expect. It must not show keys.
 */
import type { ConfigFault } from "../models/errors.ts";
import { type ConfigFile, cacheEntriesMax } from "./config-file-schema.ts";
import { type ConfigTree, type ConfigWarning, isTree } from "./config-tree.ts";
import { isSentByBrowsers } from "./url-readers.ts";

/** Keys in the output of `render-config` start so; as long as they do, nobody has set them. */
export const placeholderMark = "replace-with-";

/**
 * Keys that stand twice, in one pair or in two: requests with such a key would belong to two environments
 * (contract B 7, trap 29).
 *
 * @param tree raw settings, references expanded
 */
export function findDuplicateKeys(tree: ConfigTree): ConfigFault[] {
  const pairs = tree["environment_key_pairs"];
  const faults: ConfigFault[] = [];
  const firstPaths = new Map<string, string>();
  for (const [index, pair] of (Array.isArray(pairs) ? pairs : []).entries()) {
    for (const name of ["server_side_key", "client_side_key"]) {
      const key: unknown = isTree(pair) ? pair[name] : undefined;
      if (typeof key !== "string" || key.trim() === "") continue;
      const path = `environment_key_pairs[${index}].${name}`;
      const first = firstPaths.get(key.trim());
      if (first === undefined) {
        firstPaths.set(key.trim(), path);
      } else {
        const fault = `it is the same key as ${first}`;
        faults.push({ path, fault, remedy: "Give each environment its own keys, and list it once." });
      }
    }
  }
  return faults;
}

/** Remarks on valid settings. */
export function findWarnings(file: ConfigFile): ConfigWarning[] {
  const warnings: ConfigWarning[] = [];
  const warn = (when: boolean, path: string, message: string) => {
    if (when) warnings.push({ path, message });
  };
  warn(
    file.environment_key_pairs.length === 0 && file.proxy_key === null,
    "environment_key_pairs",
    "NO ENVIRONMENT IS CONFIGURED: every request will be answered 401",
  );
  for (const [index, pair] of file.environment_key_pairs.entries()) {
    const path = `environment_key_pairs[${index}]`;
    const hasServerForm = pair.client_side_key.startsWith("ser.");
    warn(hasServerForm, `${path}.client_side_key`, "it starts with ser., as server keys alone do");
    const isPlaceholder = `${pair.server_side_key} ${pair.client_side_key}`.includes(placeholderMark);
    warn(isPlaceholder, path, "it holds a placeholder of render-config in place of a key");
  }
  const fileIndex = file.environment_key_pairs.findIndex((pair) => pair.file !== null);
  warn(
    !file.offline && fileIndex >= 0,
    `environment_key_pairs[${fileIndex}].file`,
    "without effect, as offline is false",
  );
  for (const [index, origin] of file.allow_origins.entries()) {
    const message =
      "it never matches: browsers send scheme://host or scheme://host:port, and patterns are not known";
    warn(!isSentByBrowsers(origin), `allow_origins[${index}]`, message);
  }
  warn(
    file.proxy_key !== null && file.offline,
    "proxy_key",
    "no environment is discovered while offline is true: those of the pairs and of the archive are served",
  );
  const hasOverride = Object.keys(file.logging.override).length > 0;
  warn(hasOverride, "logging.override", "without effect: fragments of Python's logging are not understood");
  warn(file.server.reload, "server.reload", "without effect: restart the process to load new code");
  const identities = file.endpoint_caches?.identities;
  warn(
    identities?.use_cache === true && identities.cache_max_size > cacheEntriesMax,
    "endpoint_caches.identities.cache_max_size",
    `counts as ${cacheEntriesMax}, the most there can be`,
  );
  return warnings;
}
