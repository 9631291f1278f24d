/** The process from its start to the first document and through an outage, as seen from outside. */

import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { occupyPort } from "../support/local-ports.ts";
import {
  configFor,
  demoDocumentText,
  eventually,
  getFlags,
  postIdentity,
  runCommand,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";

const statusOf = async (url: string) => (await fetch(url)).status;

it.concurrent("C11 listens before the first document, says so, and serves once it comes", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  await upstream.refuse();
  await using proxy = startProxyProcess({ config: configFor(upstream) });
  const url = await proxy.url();
  for (const answer of [await getFlags(url), await getFlags(url, serverKey), await postIdentity(url, {})]) {
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.json()).toEqual({ status: "service_unavailable", message: "Environment not loaded" });
  }
  expect((await getFlags(url, "unknown")).status).toBe(401);
  expect(await statusOf(`${url}/proxy/health/liveness`)).toBe(200);
  const readiness = await fetch(`${url}/proxy/health/readiness`);
  expect(readiness.status).toBe(503);
  expect(await readiness.json()).toMatchObject({
    status: "error",
    reason: "environment document(s) not updated.",
    last_successful_update: null,
    environments: [{ id: null }],
  });
  await upstream.accept();
  await eventually(async () => (await getFlags(url)).status === 200);
  expect(await statusOf(`${url}/proxy/health/readiness`)).toBe(200);
});

it.concurrent("an outage changes no answer, and health tells when and why it becomes stale", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  const health_check = { environment_update_grace_period_seconds: 0.5 };
  await using proxy = startProxyProcess({ config: configFor(upstream, { health_check }) });
  const url = await proxy.url();
  await eventually(async () => (await getFlags(url)).status === 200);
  const readAnswers = async () => {
    const answers = [await getFlags(url), await postIdentity(url, { identifier: "alice" })];
    return await Promise.all(answers.map(async (answer) => [answer.status, await answer.text()]));
  };
  const before = await readAnswers();
  const healthy = await fetch(`${url}/proxy/health`);
  expect(Object.keys((await healthy.json()) as object)).toEqual([
    "status",
    "reason",
    "last_successful_update",
    "environments",
  ]);
  await upstream[Symbol.asyncDispose]();
  await eventually(async () => (await statusOf(`${url}/proxy/health/readiness`)) === 503);
  expect(await readAnswers()).toEqual(before);
  const text = await (await fetch(`${url}/health`)).text();
  expect(JSON.parse(text)).toMatchObject({
    status: "error",
    reason: "environment document(s) stale.",
    last_successful_update: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    environments: [{ id: 1, state: "stale", reason: "unreachable" }],
  });
  expect(text).not.toContain("Demo");
  expect(await statusOf(`${url}/proxy/health/liveness`)).toBe(200);
});

it.concurrent("a port in use is one clear line and exit code 69", async () => {
  using occupant = await occupyPort();
  const { port } = occupant;
  const config = configFor({ apiUrl: "http://127.0.0.1:9/api/v1" }, { server: { port } });
  const { code, stdout, stderr } = await runCommand({ config });
  expect(code).toBe(69);
  const lines = `${stdout}${stderr}`.trim().split("\n");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*in use`));
});

it.concurrent.each(["192.0.2.1", "no-such-host.invalid"])(
  "the host %s is one clear line and exit code 69",
  async (host) => {
    const config = configFor({ apiUrl: "http://127.0.0.1:9/api/v1" }, { server: { host } });
    const { code, stdout, stderr } = await runCommand({ config });
    expect(code).toBe(69);
    const lines = `${stdout}${stderr}`.trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(host);
    expect(lines[0]).not.toContain("    at ");
  },
);

it.concurrent("a missing configuration is one clear line on standard error and exit code 64", async () => {
  const { code, stdout, stderr } = await runCommand({});
  expect([code, stdout]).toEqual([64, ""]);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/config\.json.*render-config/);
});

it.concurrent("a faulty configuration is a line for each fault, and exit code 64", async () => {
  const config = {
    environment_key_pairs: [{ client_side_key: "client", server_side_key: "not-a-server-key" }],
    server: { port: "a lot" },
    api_poll_frequency_seconds: -1,
  };
  for (const words of [["serve"], ["check-config"]]) {
    const { code, stdout, stderr } = await runCommand({ words, config });
    expect([code, stdout]).toEqual([64, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(3);
    for (const path of [
      "environment_key_pairs[0].server_side_key",
      "server.port",
      "api_poll_frequency_seconds",
    ]) {
      expect(stderr).toContain(`${path}: `);
    }
    expect(stderr).not.toContain("not-a-server-key");
  }
});

it.concurrent("a configuration that is no JSON is one clear line and exit code 64", async () => {
  const { code, stderr } = await runCommand({ config: '{"server": {' });
  expect(code).toBe(64);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

it.concurrent("without any environment the proxy starts with a warning, and knows no key", async () => {
  const config = configFor({ apiUrl: "http://127.0.0.1:9/api/v1" }, { environment_key_pairs: [] });
  await using proxy = startProxyProcess({ config });
  const url = await proxy.url();
  expect((await getFlags(url)).status).toBe(401);
  expect(proxy.stdout()).toMatch(/"level":"warn".*environment_key_pairs/);
});

it.concurrent("variables override the file, and references are read from variables and files", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  const pairs = [{ client_side_key: "demo_client_key", server_side_key: `\${SERVER_KEY}` }];
  const config = configFor({ apiUrl: "http://127.0.0.1:9/api/v1" }, { environment_key_pairs: pairs });
  const environment = { SERVER_KEY: serverKey, api_url: upstream.apiUrl, SERVER__HOST: "localhost" };
  await using proxy = startProxyProcess({ config, environment });
  const url = await proxy.url();
  await eventually(async () => (await getFlags(url)).status === 200);
});
