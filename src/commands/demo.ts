/**
 * The command `demo`: an upstream with example flags and the proxy in front of it, on loopback, with the
 * lines to try it. The proxy is the real one; only its settings are made here.
 */
import { fileURLToPath } from "node:url";
import { settingsFrom } from "../config/load-settings.ts";
import { createLogger } from "../config/logger.ts";
import type { CommandOutput } from "./command-output.ts";
import { startDemoUpstream } from "./demo-upstream.ts";
import { runServer } from "./serve.ts";

export interface DemoOptions {
  /** The proxy's port; without it 8000. */
  readonly port?: string | undefined;
  readonly version: string;
  /** Holds the examples. */
  readonly packageFolder: URL;
}

const clientKey = "demo_client_key";
const serverKey = "ser.demo_server_key";

/** Runs until a signal asks it to end. @returns the exit code */
export async function runDemo(
  output: CommandOutput,
  { port = "8000", version, packageFolder }: DemoOptions,
): Promise<number> {
  const exampleFile = new URL("examples/environment.json", packageFolder);
  await using upstream = await startDemoUpstream(exampleFile, serverKey);
  const settings = settingsFrom({
    environment_key_pairs: [{ client_side_key: clientKey, server_side_key: serverKey }],
    api_url: upstream.apiUrl,
    api_poll_frequency_seconds: 1,
    server: { host: "127.0.0.1", port, drain_delay_seconds: 0 },
    storage: { enabled: false },
  });
  return await runServer(settings, createLogger(settings.logging), version, {
    onListening: (url) => output.stdout.write(instructions(url, upstream.apiUrl, exampleFile)),
  });
}

function instructions(url: string, upstreamUrl: string, exampleFile: URL): string {
  const identity = JSON.stringify({
    identifier: "bob",
    traits: [
      { trait_key: "plan", trait_value: "beta" },
      { trait_key: "app_version", trait_value: "2.1.0" },
    ],
  });
  return `
The proxy listens on ${url}, in front of an example upstream on ${upstreamUrl}.
Its keys: ${clientKey} (client) and ${serverKey} (server). Try:

  # all flags
  curl -H 'X-Environment-Key: ${clientKey}' ${url}/api/v1/flags/

  # the flags of an identity with traits
  curl -H 'X-Environment-Key: ${clientKey}' -H 'Content-Type: application/json' \\
    -d '${identity}' ${url}/api/v1/identities/

  # the environment document, for server SDKs with local evaluation
  curl -H 'X-Environment-Key: ${serverKey}' ${url}/api/v1/environment-document/

  # health
  curl ${url}/proxy/health

Edit ${fileURLToPath(exampleFile)} and ask again: a change is served within two seconds.
Ctrl-C ends the demo.

`;
}
