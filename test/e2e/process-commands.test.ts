/** The commands beside `serve`, as people and scripts run them: what they print, and their exit codes. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { freePort, occupyPort } from "../support/local-ports.ts";
import {
  clientKey,
  configFor,
  demoDocumentText,
  demoPair,
  eventually,
  getFlags,
  repositoryFolder,
  runCommand,
  serverKey,
  startProxy,
  startProxyProcess,
} from "../support/running-proxy.ts";

it.concurrent("--help names every command on standard output", async () => {
  const spellings = [["--help"], ["-h"], ["serve", "--help"]];
  for (const { code, stdout, stderr } of await Promise.all(spellings.map((words) => runCommand({ words })))) {
    expect([code, stderr]).toEqual([0, ""]);
    for (const command of ["serve", "demo", "health", "check-config", "render-config", "export"]) {
      expect(stdout).toMatch(new RegExp(`^ +${command}\\b`, "m"));
    }
  }
});

it.concurrent("--version prints the package's version alone", async () => {
  const { version } = JSON.parse(readFileSync(join(repositoryFolder, "package.json"), "utf8"));
  const { code, stdout, stderr } = await runCommand({ words: ["--version"] });
  expect([code, stdout, stderr]).toEqual([0, `${version}\n`, ""]);
});

it.concurrent.each(["frobnicate", "--frobnicate", "serve more", "export", "--config"])(
  "the wrong command line %s is told on standard error and exit code 64",
  async (line) => {
    const { code, stdout, stderr } = await runCommand({ words: line.split(" ") });
    expect([code, stdout]).toEqual([64, ""]);
    expect(stderr).toContain("--help");
    expect(stderr).not.toContain("    at ");
  },
);

it.concurrent("health exits 0 for a ready proxy and 1 for one that is not, or not there", async () => {
  await using proxy = await startProxy();
  await using waiting = await startProxy({ document: null });
  const health = (url: string, ...words: string[]) =>
    runCommand({ words: ["health", "--url", url, ...words] });
  const port = await freePort();
  const [ready, notReady, living, absent] = await Promise.all([
    health(`${proxy.url}/proxy/health/readiness`),
    health(`${waiting.url}/proxy/health/readiness`),
    health(`${waiting.url}/proxy/health/liveness`),
    health(`http://127.0.0.1:${port}/proxy/health/readiness`),
  ]);
  expect([ready.code, ready.stderr]).toEqual([0, ""]);
  expect(ready.stdout).toContain('"status":"ok"');
  expect(notReady.code).toBe(1);
  expect(notReady.stdout).toContain("environment document(s) not updated.");
  expect(living.code).toBe(0);
  expect([absent.code, absent.stdout]).toEqual([1, ""]);
  expect(absent.stderr.trim().split("\n")).toHaveLength(1);
});

it.concurrent("health finds the proxy by its configuration, and asks for liveness if told so", async () => {
  await using waiting = await startProxy({ document: null });
  const config = configFor(waiting.upstream, { server: { host: "0.0.0.0", port: waiting.port } });
  const [readiness, liveness] = await Promise.all([
    runCommand({ words: ["health"], config }),
    runCommand({ words: ["health", "--liveness"], config }),
  ]);
  expect([readiness.code, liveness.code]).toEqual([1, 0]);
  expect(readiness.stdout).toContain(`:${waiting.port}/proxy/health/readiness: 503`);
});

it.concurrent("check-config accepts what serve accepts, and names the nearest known setting", async () => {
  const config = configFor({ apiUrl: "http://127.0.0.1:9/api/v1" }, { api_pol_timeout: 3 });
  const { code, stdout, stderr } = await runCommand({ words: ["check-config"], config });
  expect(code).toBe(0);
  expect(stdout).toContain("valid");
  expect(stderr).toMatch(/api_pol_timeout.*api_poll_timeout/);
  expect(stdout + stderr).not.toContain(serverKey);
});

it.concurrent("-c names the configuration for every command", async () => {
  const config = configFor({ apiUrl: "http://127.0.0.1:9/api/v1" });
  const words = ["check-config", "-c", "config.json"];
  expect((await runCommand({ words, config })).code).toBe(0);
  const absent = await runCommand({ words: ["check-config", "-c", "absent.json"], config });
  expect(absent.code).toBe(64);
  expect(absent.stderr).toContain("absent.json");
});

it.concurrent("what render-config prints starts the proxy, once the keys are filled in", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  const rendered = await runCommand({ words: ["render-config"] });
  expect([rendered.code, rendered.stderr]).toEqual([0, ""]);
  const config = JSON.parse(rendered.stdout);
  config.server.port = 0;
  config.server.host = "127.0.0.1";
  config.api_url = upstream.apiUrl;
  await using untouched = startProxyProcess({ config });
  await using proxy = startProxyProcess({ config: { ...config, environment_key_pairs: [demoPair] } });
  await untouched.url();
  const url = await proxy.url();
  await eventually(async () => (await getFlags(url)).status === 200);
  expect(proxy.stdout()).not.toContain("WARN");
});

it.concurrent("export writes the document's own bytes, from the upstream or from a proxy", async () => {
  await using proxy = await startProxy();
  const config = configFor(proxy.upstream);
  const toOutput = await runCommand({ words: ["export", "1", "--output", "-"], config });
  expect([toOutput.code, toOutput.stdout.trimEnd()]).toEqual([0, demoDocumentText.trimEnd()]);
  const offline = configFor({ apiUrl: "http://127.0.0.1:9/api/v1" });
  const exportThroughProxy = async (environment: string) => {
    const words = ["export", environment, "--url", `${proxy.url}/api/v1`, "--output", "document.json"];
    await using exporting = startProxyProcess({ words, config: offline });
    expect(await exporting.exit).toEqual({ code: 0, signal: null });
    expect(readFileSync(join(exporting.folder, "document.json"), "utf8")).toBe(demoDocumentText);
    expect(exporting.stdout() + exporting.stderr()).not.toContain(serverKey);
  };
  await Promise.all(["1", clientKey, serverKey].map(exportThroughProxy));
});

it.concurrent("export fails clearly: no such environment, no upstream, a wrong key", async () => {
  await using upstream = await startFaultUpstream();
  const config = configFor(upstream);
  const unknown = await runCommand({ words: ["export", "ser.another_secret_key"], config });
  expect(unknown.code).toBe(64);
  expect(unknown.stderr).not.toContain("ser.another_secret_key");
  const rejected = await runCommand({ words: ["export", "1"], config });
  expect([rejected.code, rejected.stdout]).toEqual([1, ""]);
  await upstream.refuse();
  await using exporting = startProxyProcess({ words: ["export", "1"], config });
  expect((await exporting.exit).code).toBe(1);
  expect(exporting.stderr().trim().split("\n")).toHaveLength(1);
  expect(exporting.stderr()).not.toContain(serverKey);
  expect(existsSync(join(exporting.folder, "environment-1.json"))).toBe(false);
});

it.concurrent("the demo prints lines to try, and all of them work", async () => {
  const port = await freePort();
  await using demo = startProxyProcess({ words: ["demo", "--port", String(port)] });
  await eventually(() => demo.stdout().includes("Ctrl-C"));
  await eventually(async () => (await getFlags(`http://127.0.0.1:${port}`)).status === 200);
  const commands =
    demo
      .stdout()
      .replaceAll("\\\n", " ")
      .match(/^ +curl .*$/gm) ?? [];
  expect(commands).toHaveLength(4);
  for (const command of commands) {
    const url = /(http:\S+)/.exec(command)?.[1] ?? "";
    const headers = [...command.matchAll(/-H '([^:]+): ([^']*)'/g)].map(([, name, value]) => [name, value]);
    const body = /-d '([^']*)'/.exec(command)?.[1];
    const method = body === undefined ? "GET" : "POST";
    const init = { method, headers: Object.fromEntries(headers), ...(body === undefined ? {} : { body }) };
    expect(url).toContain(`:${port}/`);
    expect([url, (await fetch(url, init)).status]).toEqual([url, 200]);
  }
  demo.kill("SIGINT");
  expect(await demo.exit).toEqual({ code: 0, signal: null });
});

it.concurrent("the demo on a port in use, or none, is one clear line", async () => {
  using occupant = await occupyPort();
  const { port } = occupant;
  const [inUse, wrong] = await Promise.all([
    runCommand({ words: ["demo", "--port", String(port)] }),
    runCommand({ words: ["demo", "--port", "many"] }),
  ]);
  expect(inUse.code).toBe(69);
  expect((inUse.stdout + inUse.stderr).trim().split("\n")).toHaveLength(1);
  expect(wrong.code).toBe(64);
  expect(wrong.stderr).not.toContain("    at ");
});
