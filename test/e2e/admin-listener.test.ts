/** Health on the admin listener: the same answers, however busy the process is that serves flags. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { occupyPort } from "../support/local-ports.ts";
import {
  configFor,
  demoDocumentText,
  eventually,
  getFlags,
  healthOf,
  type ProxyProcess,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { withFaults } from "../support/worker-processes.ts";

/** From its log: the main address is not asked, as it may not answer. */
async function adminUrlOf(proxy: ProxyProcess): Promise<string> {
  await proxy.url();
  return /"adminUrl":"([^"]+)"/.exec(proxy.stdout())?.[1] ?? "";
}

const statusOf = async (url: string, patienceMs = 2000) =>
  (await fetch(url, { signal: AbortSignal.timeout(patienceMs) })).status;

it.concurrent.each([1, 2])(
  "answers what the main listener does, and nothing that needs a key; %i workers",
  async (workers) => {
    await using upstream = await startFaultUpstream();
    upstream.setDocument(serverKey, demoDocumentText);
    const config = configFor(upstream, { admin: { port: 0 }, server: { workers, drain_delay_seconds: 1 } });
    await using proxy = startProxyProcess({ config });
    const [url, adminUrl] = [await proxy.url(), await adminUrlOf(proxy)];
    expect(adminUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await eventually(async () => (await getFlags(url)).status === 200);
    await eventually(async () => (await statusOf(`${adminUrl}/proxy/health`)) === 200);
    const bodyOf = async (from: string) =>
      (await healthOf(from)).environments.map(({ id, state, reason }) => ({ id, state, reason }));
    expect(await bodyOf(adminUrl)).toEqual(await bodyOf(url));
    expect(await statusOf(`${adminUrl}/proxy/health/liveness`)).toBe(200);
    expect(await statusOf(`${adminUrl}/health/`)).toBe(200);
    expect((await getFlags(adminUrl)).status).toBe(404);
    expect((await fetch(`${adminUrl}/health`, { method: "POST" })).status).toBe(405);

    await upstream.refuse();
    await eventually(async () => (await bodyOf(adminUrl))[0]?.reason === "unreachable");

    proxy.kill("SIGTERM");
    await eventually(async () => {
      const response = await fetch(`${adminUrl}/proxy/health`);
      return response.status === 503 && (await response.text()).includes("shutting down");
    });
    expect(await proxy.exit).toEqual({ code: 0, signal: null });
  },
);

it.concurrent("answers while the process that serves flags stands still", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  await using proxy = startProxyProcess({
    config: configFor(upstream, { admin: { port: 0 } }),
    environment: { ...withFaults, INJECTED_FAULT: "a standstill" },
  });
  const [url, adminUrl] = [await proxy.url(), await adminUrlOf(proxy)];
  await eventually(async () => (await statusOf(`${adminUrl}/proxy/health`)) === 200);
  proxy.kill("SIGUSR2");
  const isSilent = () =>
    statusOf(`${url}/proxy/health/liveness`, 300).then(
      () => false,
      () => true,
    );
  await eventually(isSilent);
  const flags = getFlags(url).then(() => performance.now());
  for (let asked = 0; asked < 50; asked += 1) expect(await statusOf(`${adminUrl}/proxy/health`)).toBe(200);
  const healthyMs = performance.now();
  expect(await flags).toBeGreaterThan(healthyMs);
});

it.concurrent("is no smaller for a small limit of clients' connections", async () => {
  await using upstream = await startFaultUpstream();
  await using proxy = startProxyProcess({
    config: configFor(upstream, { admin: { port: 0 }, server: { connections_max: 5 } }),
  });
  const adminUrl = await adminUrlOf(proxy);
  const port = Number(new URL(adminUrl).port);
  const held = Array.from({ length: 100 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
  await Promise.all(held.map((socket) => once(socket, "connect")));
  for (let asked = 0; asked < 10; asked += 1) {
    expect(await statusOf(`${adminUrl}/proxy/health/liveness`)).toBe(200);
  }
  for (const socket of held) socket.destroy();
});

it.concurrent("is not there without a port, and a taken port is one clear line", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  await using without = startProxyProcess({ config: configFor(upstream) });
  await without.url();
  expect(without.stdout()).not.toContain("adminUrl");
  using taken = await occupyPort();
  const { port } = taken;
  await using proxy = startProxyProcess({ config: configFor(upstream, { admin: { port } }) });
  expect(await proxy.exit).toEqual({ code: 69, signal: null });
  expect(proxy.stdout()).toContain(
    `cannot listen on 127.0.0.1:${port}: the port is in use. Stop what listens there, or set admin.port`,
  );
});
