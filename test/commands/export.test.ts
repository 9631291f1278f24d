/** Which environments `export` finds, where a proxy key opens them and the configuration lists none. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { exportDocument } from "../../src/commands/export.ts";
import { makeFolder } from "../config/config-folder.ts";
import { documentOfKey, listed } from "../support/discovered.ts";
import {
  discoveryPath,
  type FaultUpstream,
  proxyKey,
  startFaultUpstream,
} from "../support/fault-upstream.ts";
import { type ConfigTree, configFor, eventually, getFlags, startProxy } from "../support/running-proxy.ts";

const discovering: ConfigTree = { environment_key_pairs: [], proxy_key: proxyKey };
const document = documentOfKey("one");
const past = { expires_at: "2020-01-01T00:00:00Z" };

function serve(upstream: FaultUpstream): void {
  upstream.setDocument("ser.one.2", document);
  const keys = [{ key: "ser.one.1", ...past }, "ser.one.2", "ser.one.3"];
  upstream.setDocument(discoveryPath, [listed("one", ...keys), listed("two", { key: "ser.two.1", ...past })]);
}

async function run(config: ConfigTree, environment: string, url?: string) {
  const configPath = join(makeFolder(config), "config.json");
  const written = { stdout: "", stderr: "" };
  const output = {
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
  };
  const options = { configPath, environment, file: "-", url, version: "0.0.0-test" };
  return { exitCode: await exportDocument(output, options), ...written };
}

it.each(["one", "ser.one.2", "ser.one.3"])("a discovered environment is found by its key %s", async (key) => {
  await using upstream = await startFaultUpstream();
  serve(upstream);
  const { exitCode, stdout } = await run(configFor(upstream, discovering), key);
  expect([exitCode, stdout]).toEqual([0, `${document}\n`]);
});

it("a running proxy is asked for it by a server key, without the upstream", async () => {
  await using proxy = await startProxy({ document: null, config: discovering });
  serve(proxy.upstream);
  await eventually(async () => (await getFlags(proxy.url, "one")).status === 200);
  await proxy.upstream.refuse();
  const config = configFor(proxy.upstream, discovering);
  const url = `${proxy.url}/api/v1`;
  const { exitCode, stdout } = await run(config, "ser.one.3", url);
  expect([exitCode, stdout]).toEqual([0, `${document}\n`]);
  const byClientKey = await run(config, "one", url);
  expect([byClientKey.exitCode, byClientKey.stdout]).toEqual([1, ""]);
  expect(byClientKey.stderr).toMatch(/server key, and the --url of a running proxy\.\n$/);
});

it.each(["two", "ser.one.1", "ser.unknown", "1"])("%s is no key of an environment with keys", async (key) => {
  await using upstream = await startFaultUpstream();
  serve(upstream);
  expect(await run(configFor(upstream, discovering), key)).toEqual({
    exitCode: 64,
    stdout: "",
    stderr:
      "no environment of the configuration, and none that proxy_key opens, has this key: " +
      "give one of its keys\n",
  });
});

it("a proxy key that the upstream refuses is told as that", async () => {
  await using upstream = await startFaultUpstream();
  const { exitCode, stderr } = await run(configFor(upstream, { ...discovering, proxy_key: "wrong" }), "one");
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("Check proxy_key")]);
});
