/** D4: killed while the archive is written, at any moment, a proxy starts with a whole document. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import {
  configFor,
  demoDocumentWith,
  eventually,
  getFlags,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { childrenOf } from "../support/worker-processes.ts";
import { scaled } from "./fault-scale.ts";

const kills = scaled(200, 6);

/** Of several pieces, so that there is much to be cut short. */
const version = (number: number) =>
  demoDocumentWith({ banner_text: `version ${number} ${"x".repeat(150_000)}` });
const versionIn = (text: string) => Number(/version (\d+) x/.exec(text)?.[1]);

it(`killed ${kills} times within its writes, it never starts without a document`, {
  timeout: kills * 20_000,
}, async () => {
  using folder = makeTemporaryFolder("archive-kills");
  await using upstream = await startFaultUpstream();
  const config = configFor(upstream, {
    storage: { enabled: true, path: join(folder.path, "data") },
    api_poll_frequency_seconds: 0.1,
  });
  let published = 1;
  upstream.setDocument(serverKey, version(published));
  for (let kill = 0; kill < kills; kill += 1) {
    if (kill > 0) await upstream.accept();
    await using proxy = startProxyProcess({ config });
    const url = await proxy.url();
    await eventually(async () => versionIn(await (await getFlags(url)).text()) === published);
    const endMs = performance.now() + Math.random() * 300;
    while (performance.now() < endMs) {
      published += 1;
      upstream.setDocument(serverKey, version(published));
      await sleep(Math.random() * 20);
    }
    for (const pid of [proxy.pid, ...childrenOf(proxy.pid)]) process.kill(pid, "SIGKILL");
    await proxy.exit;
    await upstream.refuse();
    await using next = startProxyProcess({ config });
    const again = await next.url();
    await eventually(async () => (await getFlags(again)).status === 200);
    const served = versionIn(await (await getFlags(again)).text());
    expect(served).toBeGreaterThan(0);
    expect(served).toBeLessThanOrEqual(published);
    expect(next.stdout()).not.toContain("is not used");
  }
});
