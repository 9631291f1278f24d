/** A reload that fails by a bug changes nothing, and is tried again. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { expect, it } from "vitest";
import { ConfigurationReload } from "../../src/commands/configuration-reload.ts";
import { loadSettings } from "../../src/config/load-settings.ts";
import { ReadFiles } from "../../src/config/read-files.ts";
import type { Settings } from "../../src/models/settings.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

it("settings that could not be taken are taken by the next one", () => {
  using folder = makeTemporaryFolder("reload");
  const configPath = join(folder.path, "config.json");
  const write = (api_poll_frequency_seconds: number) => {
    const environment_key_pairs = [{ client_side_key: "c", server_side_key: "ser.a" }];
    writeFileSync(configPath, JSON.stringify({ environment_key_pairs, api_poll_frequency_seconds }));
  };
  write(10);
  const files = new ReadFiles();
  const started = loadSettings({ configPath, readFile: files.read });
  const lines: string[] = [];
  const logger = pino({}, { write: (line) => void lines.push(line) });
  const log = { logger, setLevel: () => undefined, flush: async () => undefined, isWriting: () => false };
  const reload = new ConfigurationReload({ configPath, started, files, log });
  const taken: number[] = [];
  let fails = true;
  const reconfigure = ({ poll }: Settings) => {
    if (fails) throw new Error("a bug");
    taken.push(poll.intervalMs);
    return { added: [], rekeyed: [], removed: [], passedOver: [] };
  };
  write(20);
  reload.reload({ reconfigure });
  fails = false;
  reload.reload({ reconfigure }, true);
  expect(taken).toEqual([20_000]);
  expect(lines.map((line) => (JSON.parse(line) as { level: number }).level)).toEqual([50, 30]);
});
