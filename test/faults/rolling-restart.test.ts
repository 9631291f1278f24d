/**
 * C5: two proxies behind nginx are restarted one after the other, and nginx's clients notice nothing. nginx
 * is set up as docs/balancers.md says: it knows nothing of readiness, and repeats what an ending or starting
 * proxy cannot take.
 */
import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { startClients } from "../support/keep-alive-clients.ts";
import { freePort } from "../support/local-ports.ts";
import { nginxPath, startNginx } from "../support/nginx.ts";
import {
  type ConfigTree,
  clientKey,
  configFor,
  demoDocumentText,
  eventually,
  type ProxyProcess,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { scaled } from "./fault-scale.ts";

const clients = 64;
const rounds = scaled(20, 1);
const workersOfCases = scaled([1, 2], [1]);

if (nginxPath === null) process.stderr.write("rolling restarts are skipped: there is no nginx\n");

/** Starts a proxy; resolves when it is ready. */
async function startReady(config: ConfigTree): Promise<ProxyProcess> {
  const proxy = startProxyProcess({ config });
  const readiness = `${await proxy.url()}/proxy/health/readiness`;
  await eventually(async () => (await fetch(readiness)).status === 200, 30_000);
  return proxy;
}

it.skipIf(nginxPath === null).each(workersOfCases)(
  `C5 ${rounds} restarts of each proxy behind nginx lose nothing, %i workers`,
  { timeout: rounds * 30_000 },
  async (workers) => {
    await using upstream = await startFaultUpstream();
    upstream.setDocument(serverKey, demoDocumentText);
    const ports = [await freePort(), await freePort()];
    const server = { workers, drain_delay_seconds: 1, drain_timeout_seconds: 60 };
    const configOf = (port: number) => configFor(upstream, { server: { ...server, port } });
    await using stack = new AsyncDisposableStack();
    const proxies = await Promise.all(ports.map(async (port) => stack.use(await startReady(configOf(port)))));
    await using balancer = await startNginx({
      upstreamPorts: ports,
      serverParameters: "max_fails=0",
      locationLines: ["proxy_next_upstream error timeout http_503 non_idempotent;"],
    });
    const load = startClients({ port: balancer.port, clients, key: clientKey, posts: true });
    await eventually(() => load.answered > 3 * clients, 30_000);
    for (let restart = 0; restart < rounds * proxies.length; restart += 1) {
      const index = restart % proxies.length;
      const before = load.answered;
      proxies[index]?.kill("SIGTERM");
      expect(await proxies[index]?.exit).toEqual({ code: 0, signal: null });
      proxies[index] = stack.use(await startReady(configOf(ports[index] ?? 0)));
      expect(load.answered).toBeGreaterThan(before);
    }
    await load.endAfterClosings(0);
    expect(load.lost).toEqual([]);
    // The restarts were felt by nginx, so that its clients could have felt them.
    expect(balancer.errors()).toContain("Connection refused");
    process.stdout.write(
      `C5: ${load.answered} requests answered, 0 lost, by proxies of ${workers} workers\n`,
    );
  },
);
