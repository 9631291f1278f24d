/** Reloads beyond what answers flags: the admin listener's thread, and files in place of the upstream. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { changeEvent, startRealtimeUpstream } from "../support/realtime-upstream.ts";
import { otherDocument, otherPair, startReloading } from "../support/reloading-proxy.ts";
import {
  configFor,
  demoDocumentText,
  demoPair,
  eventually,
  getFlags,
  healthOf,
  realtimeDocumentText,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { askFresh } from "../support/worker-processes.ts";

it("the admin listener answers health by the settings of the day", async () => {
  const config = { admin: { port: 0 } };
  await using running = await startReloading({ config });
  const listening = running.records().find(({ message }) => message === "Listening");
  const status = async () => (await fetch(`${listening?.["adminUrl"]}/proxy/health`)).status;
  await eventually(async () => (await status()) === 200);
  running.upstream.setMode(serverKey, 503);
  const health = { environment_update_grace_period_seconds: 0 };
  await running.hangup({ ...config, health_check: health });
  await eventually(async () => (await status()) === 503);
  await running.hangup({ ...config, health_check: health, api_poll_frequency_seconds: 3600 });
  await eventually(async () => (await status()) === 200);
});

const interfaces = Object.values(networkInterfaces()).flat();
const ownAddress = interfaces.find((each) => each?.family === "IPv4" && !each.internal)?.address ?? null;

/** @returns the status of health, asked on a connection of its own; null where that is closed */
async function askHealth(port: string): Promise<number | null> {
  const asking = get({ host: ownAddress ?? "", port, path: "/proxy/health", agent: false });
  const [response] = (await once(asking, "response").catch(() => [])) as IncomingMessage[];
  response?.resume();
  return response?.statusCode ?? null;
}

it.skipIf(ownAddress === null)(
  "connections of clients that are not allowed any more are closed",
  async () => {
    const server = { host: "0.0.0.0", port: 0, drain_delay_seconds: 0 };
    const admin = { port: 0, host: "0.0.0.0" };
    await using running = await startReloading({ config: { server, admin } });
    const listening = running.records().find(({ message }) => message === "Listening");
    const ports = [running.url, String(listening?.["adminUrl"])].map((url) => new URL(url).port);
    const holds = (status: number | null) =>
      eventually(async () => (await Promise.all(ports.map(askHealth))).every((each) => each === status));
    await holds(200);
    await running.hangup({ server: { ...server, allow_clients: ["198.51.100.1"] }, admin });
    await holds(null);
    await running.hangup({ server, admin });
    await holds(200);
  },
);

it.each([1, 2])("limits hold for requests whose answers are kept, with %i workers", async (workers) => {
  const config = { server: { workers } };
  await using running = await startReloading({ config });
  const port = Number(new URL(running.url).port);
  const path = `/api/v1/identities/?identifier=${"x".repeat(50)}`;
  const areAll = async (status: number) =>
    (await askFresh(port, path)).every((answer) => answer.status === status);
  for (let time = 0; time < 3; time += 1) expect(await areAll(200)).toBe(true);
  await running.hangup({ ...config, limits: { identifier_characters_max: 49 } });
  await eventually(() => areAll(422));
  await running.hangup(config);
  await eventually(() => areAll(200));
});

it("polls and event streams have the limits of time of the day, and streams go on", async () => {
  await using realtime = await startRealtimeUpstream();
  const config = { realtime: { url: realtime.url } };
  await using running = await startReloading({ config });
  running.upstream.setDocument(serverKey, realtimeDocumentText);
  await eventually(() => realtime.listeners === 1);
  const reasonOf = async () => (await healthOf(running.url)).environments[0]?.reason;
  const hasOutcome = (reason: string | null) => eventually(async () => (await reasonOf()) === reason);
  running.upstream.setMode(serverKey, "ok", { delayMs: 600 });
  await running.hangup({ ...config, api_poll_timeout_seconds: 0.3 });
  realtime.send(changeEvent(Date.now() / 1000));
  await hasOutcome("timeout");
  await running.hangup({ ...config, api_poll_timeout_seconds: 20 });
  realtime.send(changeEvent(Date.now() / 1000));
  await hasOutcome(null);
  expect([realtime.listeners, realtime.connects.length]).toEqual([1, 1]);
  await running.hangup({ ...config, api_poll_timeout_seconds: 0.3 });
  realtime.setMode("hang");
  realtime.closeAll();
  const tooLate = /not begin an event stream within 300 ms/;
  await eventually(() => running.records().some(({ message }) => tooLate.test(message)));
});

it("offline, environments come and get files, and files are read", async () => {
  const upstream = { apiUrl: "http://127.0.0.1:9/api/v1" };
  const other = { ...otherPair, file: "other" };
  const textOf = (environment_key_pairs: readonly object[]) =>
    JSON.stringify(configFor(upstream, { offline: true, environment_key_pairs }));
  await using proxy = startProxyProcess({ config: textOf([demoPair]) });
  const url = await proxy.url();
  expect((await getFlags(url)).status).toBe(503);
  const change = (text: string) => {
    writeFileSync(join(proxy.folder, "config.json"), text);
    proxy.kill("SIGHUP");
  };
  writeFileSync(join(proxy.folder, "demo"), demoDocumentText);
  writeFileSync(join(proxy.folder, "other"), otherDocument);
  change(textOf([demoPair, other]));
  await eventually(async () => (await getFlags(url, other.client_side_key)).status === 200);
  expect((await getFlags(url)).status).toBe(503);
  change(textOf([{ ...demoPair, file: "demo" }, other]));
  await eventually(async () => (await getFlags(url)).status === 200);
});
