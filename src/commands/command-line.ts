/**
 * The command line: which words start which command, with `--help` and `--version` as people expect. The
 * commands themselves are one file each, loaded when it is called: a probe need not load the proxy.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ConfigError } from "../models/errors.ts";
import type { CommandOutput } from "./command-output.ts";
import { exitCodes } from "./exit-codes.ts";

const help = `flag-edge-proxy: an edge proxy for Flagsmith feature flags

Usage: flag-edge-proxy [command] [options]

Commands:
  serve                 run the proxy (the default)
  demo [--port N]       run an upstream and the proxy in front of it, with example flags
  health [--url URL]    ask a running proxy whether it is ready; exit code 0 or 1
         [--liveness]   ask only whether it lives
  check-config          say whether the configuration is valid, and all that is wrong with it
  render-config         print a configuration with all defaults
  export ENVIRONMENT    write an environment's document to a file; ENVIRONMENT is one of its keys,
         [--output FILE] or its position in the configuration. FILE "-" is standard output
         [--url URL]    fetch from this API, such as a running proxy's http://…/api/v1

Options:
  -c, --config FILE     the configuration (default: CONFIG_PATH, else ./config.json)
  -h, --help            print this help
  -V, --version         print the version

Exit codes: 0 ok, 1 failure, 64 wrong command line or configuration, 69 cannot listen.
`;

const options = {
  config: { type: "string", short: "c" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
  url: { type: "string" },
  liveness: { type: "boolean" },
  output: { type: "string", short: "o" },
  port: { type: "string" },
} as const;

type Arguments = ReturnType<typeof parse>;

function parse(words: readonly string[]) {
  return parseArgs({ args: [...words], options, allowPositionals: true });
}

/**
 * @param words the command line without the program's name
 * @param packageFolder holds package.json and the examples
 * @returns the exit code
 */
export async function runCommandLine(
  words: readonly string[],
  output: CommandOutput,
  packageFolder: URL,
): Promise<number> {
  try {
    const parsed = parse(words);
    if (parsed.values.help) return print(output, help);
    if (parsed.values.version) return print(output, `${readVersion(packageFolder)}\n`);
    return await runCommand(parsed, output, packageFolder);
  } catch (error) {
    if (error instanceof ConfigError) output.stderr.write(`${error.message}\n`);
    else if (isUsageError(error)) output.stderr.write(`${error.message}\nTry flag-edge-proxy --help\n`);
    else throw error;
    return exitCodes.faultyConfiguration;
  }
}

/** Which options go with which command, besides `--config`. */
const optionsOf: Readonly<Record<string, readonly string[]>> = {
  demo: ["port"],
  health: ["url", "liveness"],
  export: ["url", "output"],
};

async function runCommand(
  { values, positionals }: Arguments,
  output: CommandOutput,
  packageFolder: URL,
): Promise<number> {
  const [command = "serve", ...operands] = positionals;
  const version = readVersion(packageFolder);
  const [environment] = operands;
  const { config: configPath, url } = values;
  const taken = ["config", ...(optionsOf[command] ?? [])];
  const foreign = Object.keys(values).find((name) => !taken.includes(name));
  if (foreign !== undefined) return refuse(output, `${command}: takes no --${foreign}`);
  if (operands.length > (command === "export" ? 1 : 0)) return refuse(output, `${command}: too many words`);
  switch (command) {
    case "serve": {
      const { serve } = await import("./serve.ts");
      return await serve({ configPath, version });
    }
    case "demo": {
      const { runDemo } = await import("./demo.ts");
      return await runDemo(output, { port: values.port, version, packageFolder });
    }
    case "health": {
      const { checkHealth } = await import("./health.ts");
      return await checkHealth(output, { configPath, url, liveness: values.liveness });
    }
    case "check-config": {
      const { checkConfig } = await import("./check-config.ts");
      return checkConfig(output, { configPath });
    }
    case "render-config": {
      const { renderConfig } = await import("./render-config.ts");
      return renderConfig(output);
    }
    case "export": {
      if (environment === undefined) return refuse(output, "export: say which ENVIRONMENT");
      const { exportDocument } = await import("./export.ts");
      return await exportDocument(output, { configPath, environment, file: values.output, url, version });
    }
    default:
      return refuse(output, `unknown command '${command}'`);
  }
}

function print({ stdout }: CommandOutput, text: string): number {
  stdout.write(text);
  return exitCodes.ok;
}

function refuse({ stderr }: CommandOutput, fault: string): number {
  stderr.write(`${fault}\nTry flag-edge-proxy --help\n`);
  return exitCodes.faultyConfiguration;
}

function isUsageError(error: unknown): error is Error {
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS");
}

function readVersion(packageFolder: URL): string {
  const text = readFileSync(new URL("package.json", packageFolder), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
