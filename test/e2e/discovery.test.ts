/** Contract B 4.2 on the whole proxy: environments that a proxy key opens come, go and get other keys. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { documentOfKey, listed } from "../support/discovered.ts";
import {
  discoveryPath,
  type FaultUpstream,
  proxyKey,
  startFaultUpstream,
} from "../support/fault-upstream.ts";
import { startClients } from "../support/keep-alive-clients.ts";
import {
  type ConfigTree,
  configFor,
  demoDocumentWith,
  eventually,
  getFlags,
  healthOf,
  type ProxyProcess,
  startProxy,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { askFresh, flagsPath } from "../support/worker-processes.ts";

const statusOf = async (url: string, key: string) => (await getFlags(url, key)).status;
const discovering: ConfigTree = { environment_key_pairs: [], proxy_key: proxyKey };

/** An upstream with these environments, each with the server keys `ser.<client key>.1` and so on. */
function serve(upstream: FaultUpstream, ...clientKeys: readonly string[]): void {
  for (const key of clientKeys) upstream.setDocument(`ser.${key}.1`, documentOfKey(key));
  upstream.setDocument(
    discoveryPath,
    clientKeys.map((key) => listed(key, `ser.${key}.1`)),
  );
}

async function startDiscovering(config: ConfigTree = {}) {
  const proxy = await startProxy({ document: null, config: { ...discovering, ...config } });
  serve(proxy.upstream, "one", "two");
  await eventually(async () => (await statusOf(proxy.url, "one")) === 200);
  await eventually(async () => (await statusOf(proxy.url, "two")) === 200);
  return proxy;
}

it.concurrent("environments appear and disappear, and every fetch carries the proxy key", async () => {
  await using proxy = await startDiscovering();
  const { upstream, url } = proxy;
  expect(await statusOf(url, "ser.two.1")).toBe(200);
  expect(await statusOf(url, "three")).toBe(401);
  serve(upstream, "two", "three");
  await eventually(async () => (await statusOf(url, "three")) === 200);
  expect([await statusOf(url, "one"), await statusOf(url, "ser.one.1")]).toEqual([401, 401]);
  expect(upstream.requests().every(({ headers }) => headers["x-proxy-key"] === proxyKey)).toBe(true);
  expect(upstream.requests("ser.three.1").length).toBeGreaterThan(0);
  const messages = proxy.lines.map(({ message }) => message);
  expect(messages.filter((each) => each === "An environment was discovered, and is served")).toHaveLength(3);
  const [removal] = proxy.lines.filter(({ message }) => message.includes("not served any more"));
  expect(removal?.fields).toMatchObject({ environmentName: "name of one" });
  expect(JSON.stringify(proxy.lines)).not.toMatch(/ser\.(one|two|three)\.1/);
});

it.concurrent("another environment under a listed client key takes the first one's place", async () => {
  using storage = makeTemporaryFolder("discovery");
  await using proxy = await startDiscovering({
    storage: { enabled: true, path: join(storage.path, "data") },
  });
  const { upstream, url } = proxy;
  const documentAt = async (key: string): Promise<unknown> => {
    const headers = { "X-Environment-Key": key };
    return await (await fetch(`${url}/api/v1/environment-document/`, { headers })).json();
  };
  upstream.setDocument("ser.one.2", demoDocumentWith({}, { id: 77, api_key: "one" }));
  upstream.setMode("ser.one.2", 500);
  upstream.setDocument(discoveryPath, [
    { ...listed("one", "ser.one.2"), id: 77, name: "another" },
    listed("two", "ser.two.1"),
  ]);
  await eventually(async () => (await statusOf(url, "ser.one.1")) === 401);
  expect([await statusOf(url, "one"), await statusOf(url, "ser.one.2")]).toEqual([503, 503]);
  upstream.setMode("ser.one.2", "ok");
  await eventually(async () => (await statusOf(url, "one")) === 200);
  expect(await documentAt("ser.one.2")).toMatchObject({ id: 77 });
  expect(await statusOf(url, "ser.two.1")).toBe(200);
  const [removal] = proxy.lines.filter(({ message }) => message.includes("not served any more"));
  expect(removal?.message).toContain("its client key is that of another environment now");
  expect(removal?.fields).toMatchObject({ environmentName: "name of one" });
});

it.concurrent("until a list came, requests with unknown keys are answered 503, and then 401", async () => {
  await using proxy = await startProxy({ document: null, config: discovering });
  const { upstream, url } = proxy;
  upstream.setMode(discoveryPath, 500);
  const before = await getFlags(url, "one");
  expect([before.status, before.headers.has("retry-after")]).toEqual([503, true]);
  serve(upstream, "two");
  expect(await statusOf(url, "one")).toBe(503);
  upstream.setMode(discoveryPath, "ok");
  await eventually(async () => (await statusOf(url, "one")) === 401);
});

it.concurrent("documents are asked for once the first list has been, those of the settings too", async () => {
  await using upstream = await startFaultUpstream();
  const delayMs = 1000;
  serve(upstream, "one");
  upstream.setMode(discoveryPath, "ok", { delayMs });
  const pairs = [{ client_side_key: "own", server_side_key: "ser.own.1" }];
  upstream.setDocument("ser.own.1", documentOfKey("own"));
  const more = { environment_key_pairs: pairs, proxy_key: proxyKey, api_poll_timeout_seconds: 60 };
  await using proxy = startProxyProcess({ config: configFor(upstream, more) });
  const url = await proxy.url();
  for (const key of ["own", "one"]) await eventually(async () => (await statusOf(url, key)) === 200);
  const [first] = upstream.requests();
  const document = upstream.requests().find(({ path }) => path === "/api/v1/environment-document/");
  expect(first?.path).toBe("/api/v1/proxy/config/");
  expect((document?.time.getTime() ?? 0) - (first?.time.getTime() ?? 0)).toBeGreaterThan(delayMs / 2);
});

/** On so many connections that each of two workers has some. @returns whether all answers have this status */
async function isEverywhere(port: number, key: string, status: number): Promise<boolean> {
  const answers = await askFresh(port, flagsPath, { key });
  return answers.every((each) => each.status === status);
}

it.concurrent.each([1, 2])(
  "after a rotation the new key opens and the old one does not; all else stays, with %i workers",
  async (workers) => {
    await using upstream = await startFaultUpstream();
    serve(upstream, "one", "two");
    using storage = makeTemporaryFolder("discovery");
    await using proxy = startWith(upstream, join(storage.path, "data"), workers);
    const url = await proxy.url();
    const port = Number(new URL(url).port);
    for (const key of ["one", "two"]) await eventually(() => isEverywhere(port, key, 200));
    const clients = ["one", "ser.two.1"].map((key) => startClients({ port, clients: 4, key }));
    for (let round = 2; round < 8; round += 1) {
      const [old, next] = [`ser.one.${round - 1}`, `ser.one.${round}`];
      upstream.setDocument(next, documentOfKey("one"));
      upstream.setDocument(discoveryPath, [listed("two", "ser.two.1"), listed("one", old, next)]);
      await eventually(() => isEverywhere(port, next, 200));
      expect(await isEverywhere(port, old, 200)).toBe(true);
      upstream.setDocument(discoveryPath, [
        listed("one", { key: old, active: false }, next),
        listed("two", "ser.two.1"),
      ]);
      upstream.setMode(old, 401);
      await eventually(() => isEverywhere(port, old, 401));
      expect(await isEverywhere(port, next, 200)).toBe(true);
    }
    for (const each of clients) await each.endAfterClosings(0);
    expect(clients.flatMap(({ lost }) => lost)).toEqual([]);
    expect(clients.every(({ answered }) => answered > 0)).toBe(true);
    await eventually(async () => (await healthOf(url)).environments.every(({ state }) => state === "fresh"));
  },
);

it.concurrent("a failing discovery removes nothing, shows in health, and documents go on", async () => {
  await using proxy = await startDiscovering();
  const { upstream, url } = proxy;
  const { discovery, status } = await healthOf(url);
  expect([status, discovery]).toMatchObject([
    "ok",
    { state: "fresh", reason: null, consecutive_failures: 0 },
  ]);
  for (const [mode, reason] of [
    [500, "server_error"],
    [403, "key_rejected"],
    ["html", "not_json"],
    ["hang-headers", "timeout"],
    ["reset", "connection_lost"],
  ] as const) {
    upstream.setMode(discoveryPath, mode);
    await eventually(async () => (await healthOf(url)).discovery?.reason === reason);
  }
  upstream.setMode(discoveryPath, "body", { body: "[{" });
  await eventually(async () => (await healthOf(url)).discovery?.reason === "not_json");
  const first = await healthOf(url);
  upstream.setMode(discoveryPath, "body", { body: '[{"client_side_key":"one"}]' });
  await eventually(async () => (await healthOf(url)).discovery?.reason === "list_invalid");
  const asked = upstream.requests("ser.two.1").length;
  await eventually(() => upstream.requests("ser.two.1").length > asked + 2);
  const second = await healthOf(url);
  expect(second.last_successful_update).toBe(first.last_successful_update);
  expect(second.environments.map(({ state }) => state)).toEqual(["fresh", "fresh"]);
  expect([await statusOf(url, "one"), await statusOf(url, "ser.two.1")]).toEqual([200, 200]);
  const warnings = proxy.lines.filter(({ message }) => message.includes("Environments are not discovered"));
  expect(warnings.map(({ fields }) => fields["code"])).toHaveLength(6);
  upstream.setMode(discoveryPath, "ok");
  await eventually(async () => (await healthOf(url)).discovery?.state === "fresh");
});

it.concurrent("environments that appear make nobody unready, before they are late", async () => {
  const config = { health_check: { environment_update_grace_period_seconds: 600 } };
  await using proxy = await startDiscovering(config);
  const { upstream, url } = proxy;
  upstream.setMode("ser.three.1", 500);
  serve(upstream, "one", "two", "three");
  await eventually(async () => (await healthOf(url)).environments[2]?.reason === "server_error");
  const { environments, ...whole } = await healthOf(url);
  expect([whole.status, environments[2]?.last_successful_update]).toEqual(["ok", null]);
  expect([await statusOf(url, "one"), await statusOf(url, "three")]).toEqual([200, 503]);
});

it.concurrent("an environment that cannot be served at a start keeps the whole unready", async () => {
  await using proxy = await startProxy({ document: null, config: discovering });
  const { upstream, url } = proxy;
  upstream.setMode("ser.two.1", 500);
  serve(upstream, "one", "two");
  await eventually(async () => (await statusOf(url, "one")) === 200);
  await eventually(async () => (await healthOf(url)).environments[1]?.reason === "server_error");
  expect((await healthOf(url)).status).toBe("error");
});

it.concurrent("pairs of the settings are never overridden", async () => {
  const pairs = [{ client_side_key: "own", server_side_key: "ser.own.1" }];
  await using proxy = await startDiscovering({ environment_key_pairs: pairs });
  const { upstream, url } = proxy;
  upstream.setDocument("ser.own.1", documentOfKey("own"));
  await eventually(async () => (await statusOf(url, "own")) === 200);
  upstream.setDocument(discoveryPath, [
    listed("own", { key: "ser.own.1", active: false }, "ser.own.2"),
    listed("other", "ser.own.1"),
    listed("two", "ser.two.1"),
  ]);
  await eventually(async () => (await statusOf(url, "one")) === 401);
  const keys = ["own", "ser.own.1", "ser.own.2", "other", "two"];
  expect(await Promise.all(keys.map((key) => statusOf(url, key)))).toEqual([200, 200, 401, 401, 200]);
});

it.concurrent("without a proxy key nobody is asked for environments, and nothing is reported", async () => {
  await using proxy = await startProxy({ config: { usage_flush_interval_seconds: 1 } });
  const { upstream, url } = proxy;
  for (let count = 0; count < 50; count += 1) await getFlags(url);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(upstream.requests().filter(({ path }) => path.includes("/proxy/"))).toEqual([]);
  expect(Object.hasOwn(await healthOf(url), "discovery")).toBe(false);
});

function startWith(upstream: FaultUpstream, path: string, workers: number): ProxyProcess {
  const more = { storage: { enabled: true, path }, server: { workers }, admin: { port: 0 } };
  return startProxyProcess({ config: configFor(upstream, { ...discovering, ...more }) });
}

it.concurrent.each([1, 2])(
  "a start without the upstream serves what was served, with %i workers",
  async (workers) => {
    await using upstream = await startFaultUpstream();
    serve(upstream, "one", "two");
    using storage = makeTemporaryFolder("discovery");
    const path = join(storage.path, "data");
    await using first = startWith(upstream, path, workers);
    const url = await first.url();
    for (const key of ["one", "two"]) await eventually(async () => (await statusOf(url, key)) === 200);
    const folder = join(path, "documents");
    const files = () => readdirSync(folder, { recursive: true, encoding: "utf8" });
    const logs = () => files().filter((name) => name.endsWith(".log"));
    const written = () => logs().map((name) => readFileSync(join(folder, name), "latin1"));
    await eventually(() => written().some((text) => text.split('"sequence":').length > 2));
    await eventually(() => written().some((text) => text.includes("@discovered")));
    first.kill("SIGKILL");
    await first.exit;
    for (const name of files().filter((each) => each.includes("/"))) {
      expect(readFileSync(join(folder, name), "latin1")).not.toContain("ser.one");
      expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    }
    await upstream.refuse();
    await using second = startWith(upstream, path, workers);
    const again = await second.url();
    for (const key of ["one", "ser.two.1"])
      await eventually(async () => (await statusOf(again, key)) === 200);
    expect(await statusOf(again, "three")).toBe(401);
    const admin = /"adminUrl":"([^"]+)"/.exec(second.stdout())?.[1] ?? "";
    for (const each of [again, admin]) {
      await eventually(async () => (await healthOf(each)).discovery?.state === "archived");
    }
    serve(upstream, "two", "three");
    await upstream.accept();
    await eventually(async () => (await statusOf(again, "three")) === 200);
    expect(await statusOf(again, "one")).toBe(401);
    for (const each of [again, admin]) {
      await eventually(async () => (await healthOf(each)).discovery?.state === "fresh");
    }
  },
);
