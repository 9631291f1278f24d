/**
 * C2: the whole service killed under load while the upstream is away. Started again, it serves what it served
 * before, and the long suite tells how soon.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { buildProxy } from "../../bench/built-proxy.ts";
import { measureText, summarize } from "../../bench/statistics.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { startClients } from "../support/keep-alive-clients.ts";
import { freePort } from "../support/local-ports.ts";
import {
  clientKey,
  configFor,
  demoDocumentText,
  eventually,
  getFlags,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { childrenOf } from "../support/worker-processes.ts";
import { scaled } from "./fault-scale.ts";

const kills = scaled(20, 2);
const clients = scaled(200, 20);

it.each([1, 2])(
  `C2 killed ${kills} times with the upstream away, it serves the same, %i workers`,
  {
    timeout: kills * 30_000,
  },
  async (workers) => {
    using folder = makeTemporaryFolder("service-kills");
    using built = await buildProxy();
    const main = fileURLToPath(built.main);
    await using upstream = await startFaultUpstream();
    upstream.setDocument(serverKey, demoDocumentText);
    const port = await freePort();
    const config = configFor(upstream, {
      server: { workers, port },
      storage: { enabled: true, path: join(folder.path, "data") },
    });
    const start = () => startProxyProcess({ main, config, environment: { ...built.environment } });
    const url = `http://127.0.0.1:${port}`;
    const isServed = async () => (await getFlags(url)).status === 200;
    await using stack = new AsyncDisposableStack();
    let proxy = stack.use(start());
    await eventually(isServed);
    const bytes = await (await getFlags(url)).text();
    await upstream.refuse();
    const servedMs: number[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      const load = startClients({ port, clients, key: clientKey });
      await eventually(() => load.answered > 3 * clients, 30_000);
      const { pid } = proxy;
      for (const each of [pid, ...childrenOf(pid)]) process.kill(each, "SIGKILL");
      await proxy.exit;
      await load.endAfterClosings(0);
      const startMs = performance.now();
      proxy = stack.use(start());
      while (!(await isServed().catch(() => false))) await sleep(2);
      servedMs.push(performance.now() - startMs);
      expect(await (await getFlags(url)).text()).toBe(bytes);
    }
    const figure = measureText(summarize(servedMs), 0);
    process.stdout.write(`C2: first 200 after ${figure} ms, ${kills} kills, ${workers} workers\n`);
  },
);
