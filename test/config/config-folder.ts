/** Folders with a configuration file for tests; each is removed when its test ends. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type LoadedSettings, loadSettings } from "../../src/config/load-settings.ts";
import { ConfigError } from "../../src/models/errors.ts";

export const pair = { server_side_key: "ser.aaaaaaaaaaaaaaaa", client_side_key: "bbbbbbbbbbbbbbbb" };

/** Makes a folder with `config.json`, of a text as it is or of a value as JSON; and with further files. */
export function makeFolder(config: unknown, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "flag-edge-proxy-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const text = typeof config === "string" ? config : JSON.stringify(config);
  for (const [name, content] of Object.entries({ "config.json": text, ...files })) {
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Loads a configuration file of this content, with these variables alone. */
export function load(
  config: unknown,
  environment: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
): LoadedSettings {
  const configPath = join(makeFolder(config, files), "config.json");
  return loadSettings({ environment: { ...environment, CONFIG_PATH: configPath } });
}

/** The faults of a configuration, one a line, with `CONFIG` in place of the file's path. */
export function faultsOf(
  config: unknown,
  environment: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
): string[] {
  const configPath = join(makeFolder(config, files), "config.json");
  try {
    loadSettings({ environment: { ...environment, CONFIG_PATH: configPath } });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.replaceAll(configPath, "CONFIG").split("\n");
  }
}
