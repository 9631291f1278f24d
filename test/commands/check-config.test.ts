/** What `check-config` prints, and its exit code. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkConfig } from "../../src/commands/check-config.ts";
import { makeFolder, pair } from "../config/config-folder.ts";

function run(config: unknown, environment: Readonly<Record<string, string>> = {}) {
  const path = join(makeFolder(config), "config.json");
  const written = { stdout: "", stderr: "" };
  const output = {
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
  };
  const exitCode = checkConfig(output, { environment: { ...environment, CONFIG_PATH: path } });
  const named = (text: string) => text.replaceAll(path, "CONFIG");
  return { exitCode, stdout: named(written.stdout), stderr: named(written.stderr) };
}

test("a valid configuration is confirmed with its path, the number of environments and the upstream", () => {
  expect(run({ environment_key_pairs: [pair] })).toEqual({
    exitCode: 0,
    stdout: "configuration is valid: CONFIG, 1 environment from https://edge.api.flagsmith.com/api/v1\n",
    stderr: "",
  });
});

test("with a proxy key there may be no pairs, and nothing is to be warned of", () => {
  expect(run({ proxy_key: "k" })).toEqual({
    exitCode: 0,
    stdout:
      "configuration is valid: CONFIG, 0 environments and those that proxy_key opens from " +
      "https://edge.api.flagsmith.com/api/v1\n",
    stderr: "",
  });
});

test("warnings do not change the exit code", () => {
  expect(run({ api_ulr: "" })).toEqual({
    exitCode: 0,
    stdout: "configuration is valid: CONFIG, 0 environments from https://edge.api.flagsmith.com/api/v1\n",
    stderr:
      'warning: api_ulr: unknown setting, without effect; did you mean "api_url"?\n' +
      "warning: environment_key_pairs: NO ENVIRONMENT IS CONFIGURED: every request will be answered 401\n",
  });
});

test("every fault is one line on standard error, and the exit code is 64", () => {
  const { exitCode, stdout, stderr } = run(
    { api_url: "", server: { port: "x" }, limits: 5 },
    { SERVER__HOST: "" },
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
  expect(stderr.split("\n").map((line) => line.split(":")[0])).toEqual([
    "api_url",
    "server.host",
    "server.port",
    "limits",
    "",
  ]);
});
