/**
 * The whole program with a configuration file that tests change while it runs, by SIGHUP or by what it
 * watches. It must not look into the program: tests see its log, and what clients see.
 */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FaultUpstream, startFaultUpstream } from "./fault-upstream.ts";
import {
  type ConfigTree,
  configFor,
  demoDocumentText,
  eventually,
  getFlags,
  type ProxyProcess,
  serverKey,
  startProxyProcess,
} from "./running-proxy.ts";

/** One line of the log in JSON. */
export type LogRecord = Readonly<Record<string, unknown>> & { readonly message: string };

export interface ReloadingProxy extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  readonly upstream: FaultUpstream;
  readonly url: string;
  readonly port: number;
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

export interface ReloadingOptions {
  /** Laid over the configuration for tests. */
  readonly config?: ConfigTree;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts it; resolves when it serves the demo document. */
export async function startReloading(options: ReloadingOptions = {}): Promise<ReloadingProxy> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startFaultUpstream());
  upstream.setDocument(serverKey, demoDocumentText);
  const textOf = (config: ConfigTree | string) =>
    typeof config === "string" ? config : JSON.stringify(configFor(upstream, config));
  const { environment = {} } = options;
  const proxy = stack.use(startProxyProcess({ config: textOf(options.config ?? {}), environment }));
  const url = await proxy.url();
  await eventually(async () => (await getFlags(url)).status === 200, 25_000);
  const records = () => recordsOf(proxy.stdout());
  const said = () => records().filter(({ message }) => /^The configuration|^Settings have/.test(message));
  const write = (config: ConfigTree | string): void => replaceFile(proxy.folder, textOf(config));
  const saidBeyond = async (count: number): Promise<LogRecord[]> => {
    await eventually(() => said().length > count);
    // What is said at once is written at once; a line of its own comes with the next write.
    await new Promise((resolve) => setTimeout(resolve, 100));
    return said().slice(count);
  };
  const owned = stack.move();
  return {
    proxy,
    upstream,
    url,
    port: Number(new URL(url).port),
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
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function recordsOf(stdout: string): LogRecord[] {
  const lines = stdout.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as LogRecord);
}

/** As editors do: written beside it, then renamed. */
export function replaceFile(folder: string, text: string, name = "config.json"): void {
  writeFileSync(join(folder, `${name}.next`), text);
  renameSync(join(folder, `${name}.next`), join(folder, name));
}
