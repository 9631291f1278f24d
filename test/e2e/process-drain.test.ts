/** How the process ends (reliability 2.9, C3, C4): no request is lost, and it does end. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startDeafUpstream } from "../support/deaf-upstream.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { startClients } from "../support/keep-alive-clients.ts";
import { RawConnection, requestText } from "../support/raw-client.ts";
import {
  type ConfigTree,
  clientKey,
  configFor,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  getFlags,
  type ProcessExit,
  type ProxyProcess,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { startServing } from "../support/serving-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { childrenOf, isRunning, withFaults } from "../support/worker-processes.ts";

const key = `X-Environment-Key: ${clientKey}`;
const good = requestText("GET /api/v1/flags/", [key]);

/** Where it would wait for stragglers it would wait longer than the test does. */
const startPatient = (server: ConfigTree) =>
  startServing({ config: { server: { drain_timeout_seconds: 600, ...server } } });

it.concurrent.each(["SIGTERM", "SIGINT"] as const)(
  "C3 %s loses no request of busy or pausing keep-alive clients, and exits 0",
  async (signal) => {
    await using running = await startPatient({ drain_delay_seconds: 2 });
    const clients = startClients({ port: running.port, clients: 40, key: clientKey });
    await eventually(() => clients.answered > 400);
    const done = clients.endAfterClosings(3);
    running.proxy.kill(signal);
    await done;
    expect(clients.lost).toEqual([]);
    expect(clients.closings).toBe(120);
    expect(await running.proxy.exit).toEqual({ code: 0, signal: null });
  },
);

it.concurrent("readiness is 503 at once while flags are still served and new connections taken", async () => {
  await using running = await startPatient({ drain_delay_seconds: 600 });
  await using kept = await RawConnection.open(running.port);
  expect((await kept.send(good).response()).headers.get("connection")).not.toBe("close");
  running.proxy.kill("SIGTERM");
  const readiness = `${running.url}/proxy/health/readiness`;
  await eventually(async () => (await fetch(readiness)).status === 503);
  const answer = await kept.send(good).response();
  expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
  await kept.closed();
  expect((await getFlags(running.url)).status).toBe(200);
  expect((await fetch(`${running.url}/proxy/health/liveness`)).status).toBe(200);
  const report = (await (await fetch(readiness)).json()) as { status: string; reason: string };
  expect(report).toMatchObject({ status: "error", reason: expect.any(String) });
});

const slowBody = '{"identifier":"alice"}';

/** Sends the head of a request; resolves when the proxy has begun with it, and waits for the body. */
async function beginRequest(connection: RawConnection): Promise<void> {
  const headers = [key, `Content-Length: ${slowBody.length}`, "Expect: 100-continue"];
  connection.send(requestText("POST /api/v1/identities/", headers));
  expect((await connection.response()).status).toBe(100);
}

it.concurrent("a request in flight is answered however late its body; the exit waits no longer", async () => {
  await using running = await startPatient({ request_timeout_seconds: 60 });
  await using slow = await RawConnection.open(running.port);
  await using idle = await RawConnection.open(running.port);
  expect((await idle.send(good).response()).status).toBe(200);
  await beginRequest(slow);
  running.proxy.kill("SIGTERM");
  // The idle connection is closed when the listener is: from then on only the request in flight is left.
  await idle.closed();
  slow.send(slowBody);
  const answer = await slow.response();
  expect(answer.body).toContain("just for Alice");
  expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
  await slow.closed();
  expect(await running.proxy.exit).toEqual({ code: 0, signal: null });
});

it.concurrent("a request in flight during the drain delay is answered with Connection: close", async () => {
  await using running = await startPatient({ drain_delay_seconds: 600, request_timeout_seconds: 60 });
  await using slow = await RawConnection.open(running.port);
  await beginRequest(slow);
  running.proxy.kill("SIGTERM");
  await eventually(async () => (await fetch(`${running.url}/proxy/health/readiness`)).status === 503);
  const answer = await slow.send(slowBody).response();
  expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
});

it.concurrent("a client that never finishes its request is waited for up to the drain timeout", async () => {
  await using running = await startPatient({ drain_timeout_seconds: 0.3, request_timeout_seconds: 60 });
  await using stuck = await RawConnection.open(running.port);
  await beginRequest(stuck);
  running.proxy.kill("SIGTERM");
  expect(await running.proxy.exit).toEqual({ code: 0, signal: null });
  await stuck.closed();
});

it.concurrent.each([
  ["SIGTERM", "SIGTERM"],
  ["SIGINT", "SIGINT"],
  ["SIGTERM", "SIGINT"],
] as const)("C4 %s and then %s end the process at once, by exit code 0", async (first, second) => {
  await using running = await startPatient({ drain_delay_seconds: 600 });
  await using kept = await RawConnection.open(running.port);
  await beginRequest(kept);
  running.proxy.kill(first);
  await eventually(async () => (await fetch(`${running.url}/proxy/health/readiness`)).status === 503);
  running.proxy.kill(second);
  expect(await running.proxy.exit).toEqual({ code: 0, signal: null });
});

/** Asks it to end, twice, while its children stand still. */
async function endTwiceWithout(children: readonly number[], proxy: ProxyProcess): Promise<ProcessExit> {
  for (const child of children) process.kill(child, "SIGSTOP");
  proxy.kill("SIGTERM");
  proxy.kill("SIGINT");
  const exit = await proxy.exit;
  for (const child of children) process.kill(child, "SIGCONT");
  return exit;
}

it.concurrent("C4 a second signal ends it by exit code 0 while what it waits for stands still", async () => {
  using folder = makeTemporaryFolder("drain-stopped");
  const storage = { enabled: true, path: join(folder.path, "data") };
  await using running = await startServing({ config: { storage } });
  const children = childrenOf(running.proxy.pid);
  expect(children.length).toBeGreaterThan(0);
  expect(await endTwiceWithout(children, running.proxy)).toEqual({ code: 0, signal: null });
  await eventually(() => !children.some(isRunning));
});

it.concurrent("C4 a second signal ends it by SIGKILL where a disk hangs", async () => {
  using folder = makeTemporaryFolder("drain-hanging");
  const pipe = join(folder.path, "pipe");
  execFileSync("mkfifo", [pipe]);
  const storage = { enabled: true, path: join(folder.path, "data") };
  const environment = { ...withFaults, INJECTED_PIPE: pipe };
  await using running = await startServing({ config: { storage }, environment });
  const children = childrenOf(running.proxy.pid);
  running.proxy.kill("SIGUSR2");
  await sleep(500);
  expect(await endTwiceWithout(children, running.proxy)).toEqual({ code: null, signal: "SIGKILL" });
});

it.concurrent.each(["refuse", "hang-headers", "drip"] as const)(
  "C4 SIGTERM amid a boot behind %s exits 0",
  async (fault) => {
    await using upstream = await startFaultUpstream();
    upstream.setDocument(serverKey, demoDocumentText);
    if (fault === "refuse") await upstream.refuse();
    else upstream.setMode(serverKey, fault);
    const config = configFor(upstream, {
      api_poll_timeout_seconds: 600,
      upstream: { document_timeout_seconds: 600 },
    });
    await using proxy = startProxyProcess({ config });
    expect((await getFlags(await proxy.url())).status).toBe(503);
    if (fault !== "refuse") await eventually(() => upstream.requests(serverKey).length > 0);
    proxy.kill("SIGTERM");
    expect(await proxy.exit).toEqual({ code: 0, signal: null });
  },
);

it.concurrent("C4 SIGTERM amid a connection that is being made does not wait for it", async () => {
  await using deaf = await startDeafUpstream();
  await using proxy = startProxyProcess({ config: configFor(deaf, { api_poll_timeout_seconds: 600 }) });
  await proxy.url();
  // It is given up after three seconds.
  await sleep(500);
  proxy.kill("SIGTERM");
  expect(await Promise.race([proxy.exit, sleep(1500, "late")])).toEqual({ code: 0, signal: null });
});

it.concurrent.each([
  [1, "once"],
  [1, "twice"],
  [2, "once"],
  [2, "twice"],
] as const)("C4 SIGTERM while %i workers begin with the archive, %s, exits 0", async (workers, times) => {
  using folder = makeTemporaryFolder("drain-archive");
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "x".repeat(600_000) }));
  const storage = { enabled: true, path: join(folder.path, "data") };
  const start = () => startProxyProcess({ config: configFor(upstream, { storage, server: { workers } }) });
  const served = async (proxy: ProxyProcess) => {
    const url = await proxy.url();
    await eventually(async () => (await getFlags(url)).status === 200);
  };
  const end = async (proxy: ProxyProcess) => {
    proxy.kill("SIGTERM");
    expect(await proxy.exit).toEqual({ code: 0, signal: null });
  };
  await using first = start();
  await served(first);
  await end(first);
  await upstream.refuse();
  // It listens, and reads the archive, unless it is done with that already.
  await using second = start();
  await second.url();
  if (times === "twice") second.kill("SIGTERM");
  await end(second);
  await using third = start();
  await served(third);
  expect(third.stdout()).not.toContain("is not used");
});
