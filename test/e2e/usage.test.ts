/** Contract B 4.4 on the whole proxy: all answers of all workers are reported once, whatever happens. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  discoveryPath,
  type FaultUpstream,
  proxyKey,
  startFaultUpstream,
  usagePath,
} from "../support/fault-upstream.ts";
import {
  type ConfigTree,
  clientKey,
  configFor,
  demoDocumentText,
  eventually,
  getFlags,
  type ProxyProcess,
  postIdentity,
  serverKey,
  startProxy,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

async function startUpstream(): Promise<FaultUpstream> {
  const upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  upstream.setDocument(discoveryPath, []);
  return upstream;
}

/**
 * The pair of the demo, with a proxy key: pairs of the settings count too. It waits for all answers: what has
 * none in time is sent again.
 */
async function start(upstream: FaultUpstream, path: string | null, more: ConfigTree = {}) {
  const storage = path === null ? { enabled: false } : { enabled: true, path };
  const usage = { proxy_key: proxyKey, usage_flush_interval_seconds: 1, api_poll_timeout_seconds: 100 };
  const proxy = startProxyProcess({ config: configFor(upstream, { ...usage, storage, ...more }) });
  const url = await proxy.url();
  return { proxy, url };
}

/** Until it serves; each of these counts. @returns how many were answered with 200 */
async function untilServing(url: string): Promise<number> {
  await eventually(async () => (await getFlags(url)).status === 200);
  return 1;
}

/** Each on a connection of its own, which it closes: a drain that follows has none to wait for. */
async function askFlags(url: string, count: number): Promise<number> {
  const keys = Array.from({ length: count }, (_, index) => (index % 2 === 0 ? clientKey : serverKey));
  const statuses = keys.map(async (key) => {
    const headers = { "x-environment-key": key };
    const [response] = (await once(get(`${url}/api/v1/flags/`, { agent: false, headers }), "response")) as [
      IncomingMessage,
    ];
    await response.resume().toArray();
    return response.statusCode;
  });
  expect(new Set(await Promise.all(statuses))).toEqual(new Set([200]));
  return count;
}

/** What the upstream has counted: a batch once, however often it came. */
function countsOf(upstream: FaultUpstream, isCounted = ({ isTaken }: { isTaken: boolean }) => isTaken) {
  const batches = new Map(upstream.usage.filter(isCounted).map(({ id, rows }) => [id, rows]));
  const counts: Record<string, number> = {};
  for (const { client_side_key: key, resource, count } of [...batches.values()].flat()) {
    counts[`${key} ${resource}`] = (counts[`${key} ${resource}`] ?? 0) + count;
  }
  return counts;
}

const end = async (proxy: ProxyProcess, signal: NodeJS.Signals = "SIGTERM") => {
  proxy.kill(signal);
  return await proxy.exit;
};

it.concurrent.each([1, 2])(
  "what was answered is reported once, the last of it at the end; %i workers",
  async (workers) => {
    await using upstream = await startUpstream();
    const { proxy, url } = await start(upstream, null, { server: { workers } });
    await using _ = proxy;
    let flags = await untilServing(url);
    await eventually(() => countsOf(upstream)[`${clientKey} flags`] === flags);
    flags += await askFlags(url, 200);
    await (await postIdentity(url, { identifier: "a" })).text();
    await (await postIdentity(url, "{")).text();
    const document = `${url}/api/v1/environment-document/`;
    await (await fetch(document, { headers: { "X-Environment-Key": serverKey } })).text();
    expect((await fetch(`${url}/proxy/health`)).status).toBe(200);
    flags += await askFlags(url, 100);
    expect((await end(proxy)).code).toBe(0);
    expect(countsOf(upstream)).toEqual({
      [`${clientKey} flags`]: flags,
      [`${clientKey} identities`]: 1,
      [`${clientKey} environment-document`]: 1,
    });
    expect(new Set(upstream.usage.map(({ id }) => id)).size).toBe(upstream.usage.length);
  },
);

it.concurrent.each(["SIGTERM", "SIGKILL"] as const)(
  "usage that is pending at %s is sent after the restart, under the same key",
  async (signal) => {
    await using upstream = await startUpstream();
    upstream.setMode(usagePath, 503);
    using folder = makeTemporaryFolder("usage");
    const path = join(folder.path, "data");
    const first = await start(upstream, path);
    await using _ = first.proxy;
    let flags = await untilServing(first.url);
    await eventually(() => upstream.usage.length > 0);
    const [pending] = upstream.usage;
    flags += await askFlags(first.url, 300);
    // Counts are told within a second, and on disk with the next try.
    const before = upstream.usage.length;
    await eventually(() => upstream.usage.length >= before + 4);
    expect(upstream.usage.every(({ id, rows }) => id === pending?.id && rows.length === 1)).toBe(true);
    await end(first.proxy, signal);
    upstream.setMode(usagePath, "ok");
    const second = await start(upstream, path);
    await using __ = second.proxy;
    await eventually(() => upstream.usage.some(({ isTaken }) => isTaken));
    expect(upstream.usage.find(({ isTaken }) => isTaken)).toEqual({ ...pending, isTaken: true });
    await eventually(() => countsOf(upstream)[`${clientKey} flags`] === flags);
    expect(second.proxy.stdout()).toContain("the last process could not report");
    await end(second.proxy);
    expect(countsOf(upstream)).toEqual({ [`${clientKey} flags`]: flags });
  },
);

it.concurrent("a batch whose answer was lost is sent again after a kill, and counts once", async () => {
  await using upstream = await startUpstream();
  // It has arrived, and nobody says so.
  upstream.setMode(usagePath, "hang-headers");
  using folder = makeTemporaryFolder("usage");
  const path = join(folder.path, "data");
  const first = await start(upstream, path);
  await using _ = first.proxy;
  const flags = await untilServing(first.url);
  await eventually(() => upstream.usage.length > 0);
  await end(first.proxy, "SIGKILL");
  upstream.setMode(usagePath, "ok");
  const second = await start(upstream, path);
  await using __ = second.proxy;
  await eventually(() => upstream.usage.length > 1);
  await end(second.proxy);
  expect(countsOf(upstream, () => true)).toEqual({ [`${clientKey} flags`]: flags });
});

it.concurrent("an upstream that says nothing does not keep the proxy from ending; all is kept", async () => {
  await using upstream = await startUpstream();
  upstream.setMode(usagePath, "hang-headers");
  using folder = makeTemporaryFolder("usage");
  const path = join(folder.path, "data");
  const first = await start(upstream, path);
  await using _ = first.proxy;
  const flags = (await untilServing(first.url)) + (await askFlags(first.url, 50));
  expect((await end(first.proxy)).code).toBe(0);
  expect(first.proxy.stdout()).toContain("kept for the next start");
  upstream.setMode(usagePath, "ok");
  const second = await start(upstream, path);
  await using __ = second.proxy;
  await eventually(() => countsOf(upstream, () => true)[`${clientKey} flags`] === flags);
  await end(second.proxy);
});

it.concurrent("what an environment was asked for before it was removed is reported too", async () => {
  const pairs: ConfigTree = { environment_key_pairs: [], proxy_key: proxyKey };
  await using proxy = await startProxy({
    document: null,
    config: { ...pairs, usage_flush_interval_seconds: 1 },
  });
  const { upstream, url } = proxy;
  upstream.setDocument(serverKey, demoDocumentText);
  const keys = [{ key: serverKey, active: true, expires_at: null }];
  upstream.setDocument(discoveryPath, [{ client_side_key: clientKey, server_side_keys: keys }]);
  let flags = (await untilServing(url)) + (await askFlags(url, 40));
  upstream.setDocument(discoveryPath, []);
  await eventually(async () => {
    const { status } = await getFlags(url);
    if (status === 200) flags += 1;
    return status === 401;
  });
  await eventually(() => countsOf(upstream)[`${clientKey} flags`] === flags);
});
