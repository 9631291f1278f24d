/**
 * The whole program with a configuration file that tests change while it runs, by SIGHUP or by what it
 * watches. It must not look into the program: tests see its log, and what clients see.
 */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ConfigTree,
  configFor,
  demoDocumentWith,
  eventually,
  type LogRecord,
  logRecords,
} from "./running-proxy.ts";
import { type ServingOptions, type ServingProcess, startServing } from "./serving-process.ts";

/** The keys of another environment than the demo's, and its document. */
export const otherPair = { client_side_key: "other_client_key", server_side_key: "ser.other_server_key" };
export const otherDocument = demoDocumentWith({}, { api_key: otherPair.client_side_key, id: 77 });

export interface ReloadingProxy extends ServingProcess {
  /** Its log so far. */
  records(): LogRecord[];
  /** The lines on the configuration so far. */
  said(): LogRecord[];
  /** Replaces the file: by a tree that is laid over that of the tests, or by text as it is. */
  write(config: ConfigTree | string): void;
  /** Replaces it and sends SIGHUP. @returns what the log says of it, one line or more */
  hangup(config?: ConfigTree | string): Promise<LogRecord[]>;
  /** Waits until there are more lines on the configuration than so many. @returns those beyond */
  saidBeyond(count: number): Promise<LogRecord[]>;
}

/** Starts it; resolves when it serves the demo document. */
export async function startReloading(
  options: Omit<ServingOptions, "document"> = {},
): Promise<ReloadingProxy> {
  const serving = await startServing(options);
  const { proxy, upstream } = serving;
  const textOf = (config: ConfigTree | string) =>
    typeof config === "string" ? config : JSON.stringify(configFor(upstream, config));
  const records = () => logRecords(proxy);
  const said = () => records().filter(({ message }) => /^The configuration|^Settings have/.test(message));
  const write = (config: ConfigTree | string): void => replaceFile(proxy.folder, textOf(config));
  const saidBeyond = async (count: number): Promise<LogRecord[]> => {
    await eventually(() => said().length > count);
    // What is said at once is written at once; a line of its own comes with the next write.
    await new Promise((resolve) => setTimeout(resolve, 100));
    return said().slice(count);
  };
  return {
    ...serving,
    records,
    said,
    write,
    saidBeyond,
    async hangup(config) {
      const before = said().length;
      if (config !== undefined) write(config);
      proxy.kill("SIGHUP");
      return await saidBeyond(before);
    },
  };
}

/** As editors do: written beside it, then renamed. */
export function replaceFile(folder: string, text: string, name = "config.json"): void {
  writeFileSync(join(folder, `${name}.next`), text);
  renameSync(join(folder, `${name}.next`), join(folder, name));
}
