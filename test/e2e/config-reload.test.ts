/** SIGHUP: each live setting counts at once, in one process and in two workers, new workers included. */
import { expect, it } from "vitest";
import { RawConnection, requestText } from "../support/raw-client.ts";
import { otherDocument, otherPair, type ReloadingProxy, startReloading } from "../support/reloading-proxy.ts";
import {
  type ConfigTree,
  clientKey,
  demoPair,
  eventually,
  getFlags,
  postIdentity,
  serverKey,
} from "../support/running-proxy.ts";
import { replaceAll } from "../support/worker-processes.ts";

/** As many answers as reach each of two workers, each on a connection of its own. */
const askMany = (ask: () => Promise<Response>) => Promise.all(Array.from({ length: 12 }, ask));

/** Waits until every process answers so. */
async function everywhere(ask: () => Promise<Response>, holds: (answer: Response) => boolean): Promise<void> {
  await eventually(async () => (await askMany(ask)).every(holds), 20_000);
}

const statusIs = (status: number) => (answer: Response) => answer.status === status;

/** Opens connections: so many that each worker holds some. */
async function keepConnections(port: number, stack: AsyncDisposableStack): Promise<RawConnection[]> {
  const connections = await Promise.all(Array.from({ length: 8 }, () => RawConnection.open(port)));
  for (const each of connections) stack.use(each);
  return connections;
}

async function statusesOn(connections: readonly RawConnection[]): Promise<number[]> {
  const question = requestText("GET /api/v1/flags/", [`X-Environment-Key: ${clientKey}`]);
  const answers = await Promise.all(connections.map((each) => each.send(question).response()));
  return [...new Set(answers.map(({ status }) => status))];
}

async function changeEnvironments(running: ReloadingProxy, config: ConfigTree): Promise<void> {
  const { upstream, url } = running;
  upstream.setDocument(otherPair.server_side_key, otherDocument);
  expect(await running.hangup({ ...config, environment_key_pairs: [demoPair, otherPair] })).toMatchObject([
    { level: "info", settings: ["environment_key_pairs"], added: ["ser.…_key"] },
  ]);
  await everywhere(() => getFlags(url, otherPair.client_side_key), statusIs(200));

  const rekeyed = { ...otherPair, server_side_key: "ser.rotated_key_2" };
  upstream.setDocument(rekeyed.server_side_key, otherDocument);
  expect(await running.hangup({ ...config, environment_key_pairs: [demoPair, rekeyed] })).toMatchObject([
    { level: "info", settings: ["environment_key_pairs"], rekeyed: ["ser.…ey_2"] },
  ]);
  await everywhere(() => getFlags(url, otherPair.server_side_key), statusIs(401));
  await everywhere(() => getFlags(url, rekeyed.server_side_key), statusIs(200));
  await everywhere(() => getFlags(url, otherPair.client_side_key), statusIs(200));

  expect(await running.hangup(config)).toMatchObject([{ level: "info", removed: ["ser.…ey_2"] }]);
  await everywhere(() => getFlags(url, otherPair.client_side_key), statusIs(401));
}

async function changeOrigins(running: ReloadingProxy, config: ConfigTree): Promise<void> {
  const origin = "https://app.test";
  const ask = () =>
    fetch(`${running.url}/api/v1/flags/`, { headers: { "x-environment-key": clientKey, origin } });
  const allows = (allowed: string | null) => (answer: Response) =>
    answer.headers.get("access-control-allow-origin") === allowed;
  // The upstream is not there: what is prepared already has to follow.
  await running.upstream.refuse();
  await everywhere(ask, allows("*"));
  expect(await running.hangup({ ...config, allow_origins: ["https://none.test"] })).toMatchObject([
    { settings: ["allow_origins"] },
  ]);
  await everywhere(ask, allows(null));
  await running.hangup({ ...config, allow_origins: [origin] });
  await everywhere(ask, allows(origin));
  await running.hangup(config);
  await everywhere(ask, allows("*"));
  await running.upstream.accept();
}

async function changeLimits(running: ReloadingProxy, config: ConfigTree): Promise<void> {
  const ask = () => postIdentity(running.url, { identifier: "twelve chars" });
  await everywhere(ask, statusIs(200));
  const limits = { identifier_characters_max: 5, body_bytes_max: 2000 };
  expect(await running.hangup({ ...config, limits })).toMatchObject([
    { settings: ["limits.body_bytes_max", "limits.identifier_characters_max"] },
  ]);
  await everywhere(() => postIdentity(running.url, { identifier: "another twelve" }), statusIs(422));
  await everywhere(() => postIdentity(running.url, "x".repeat(3000)), statusIs(413));
  await running.hangup(config);
  await everywhere(() => postIdentity(running.url, { identifier: "a third identity" }), statusIs(200));
}

async function changeHealth(running: ReloadingProxy, config: ConfigTree): Promise<void> {
  const ask = () => fetch(`${running.url}/proxy/health`);
  await everywhere(ask, statusIs(200));
  running.upstream.setMode(serverKey, 503);
  const slow = { api_poll_frequency_seconds: 3600 };
  const health = { environment_update_grace_period_seconds: 0 };
  await running.hangup({ ...config, health_check: health });
  await everywhere(ask, statusIs(503));
  // The interval counts for staleness too, in workers as well.
  expect(await running.hangup({ ...config, ...slow, health_check: health })).toMatchObject([
    { settings: ["api_poll_frequency_seconds"] },
  ]);
  await everywhere(ask, statusIs(200));
  running.upstream.setMode(serverKey, "ok");
  const polls = () => running.upstream.requests(serverKey).length;
  // It was polled twenty times a second.
  await eventually(async () => {
    const before = polls();
    await new Promise((resolve) => setTimeout(resolve, 500));
    return polls() === before;
  });
  const before = polls();
  expect(await running.hangup(config)).toHaveLength(1);
  await eventually(() => polls() > before + 2);
}

async function changeAdmission(running: ReloadingProxy, config: ConfigTree): Promise<void> {
  const ask = () => getFlags(running.url);
  const server = { ...(config["server"] as ConfigTree), allow_clients: ["10.9.8.7"] };
  expect(await running.hangup({ ...config, server })).toMatchObject([{ settings: ["server.allow_clients"] }]);
  await everywhere(ask, statusIs(403));
  const limited = {
    ...(config["server"] as ConfigTree),
    rate_limit: { requests_per_second: 0.001, burst: 1 },
  };
  await running.hangup({ ...config, server: limited });
  await everywhere(ask, statusIs(503));
  // The same limit goes on counting, whatever else changes.
  await running.hangup({ ...config, server: limited, limits: { traits_max: 7 } });
  expect((await askMany(ask)).map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 503));
  await running.hangup(config);
  await everywhere(ask, statusIs(200));
}

it.concurrent.each([1, 2])(
  "with %i workers every live setting counts at once, on connections that are kept",
  async (count) => {
    const config = { server: { host: "127.0.0.1", port: 0, drain_delay_seconds: 0, workers: count } };
    await using running = await startReloading({ config });
    await using stack = new AsyncDisposableStack();
    const connections = await keepConnections(running.port, stack);
    expect(await statusesOn(connections)).toEqual([200]);
    for (const change of [changeEnvironments, changeOrigins, changeLimits, changeHealth]) {
      await change(running, config);
      expect(await statusesOn(connections)).toEqual([200]);
    }
    await changeAdmission(running, config);

    await running.hangup({ ...config, limits: { identifier_characters_max: 5 } });
    if (count > 1) await replaceAll(running.proxy);
    await everywhere(() => postIdentity(running.url, { identifier: "of a new worker" }), statusIs(422));

    const secrets = [clientKey, serverKey, "other_client_key", "rotated_key", "other_server_key"];
    expect(secrets.filter((secret) => running.proxy.stdout().includes(secret))).toEqual([]);
    running.proxy.kill("SIGTERM");
    expect((await running.proxy.exit).code).toBe(0);
  },
);

it.concurrent.each([1, 2])("with %i workers the log level counts at once, in each process", async (count) => {
  const server = { host: "127.0.0.1", port: 0, drain_delay_seconds: 0, workers: count };
  const logging = { log_format: "json", enable_access_log: true };
  await using running = await startReloading({ config: { server, logging } });
  const requests = () => running.records().filter(({ message }) => message === "Request").length;
  await everywhere(() => getFlags(running.url), statusIs(200));
  await eventually(() => requests() > 12);
  running.write({ server, logging: { ...logging, log_level: "ERROR" } });
  running.proxy.kill("SIGHUP");
  // No line tells when it counts: the access log ends, and a line on the way may still come.
  await eventually(async () => {
    const before = requests();
    await askMany(() => getFlags(running.url));
    await new Promise((resolve) => setTimeout(resolve, 700));
    return requests() === before;
  }, 20_000);
  await running.hangup({ server, logging: { ...logging, log_level: "INFO" } });
  const before = requests();
  await everywhere(() => getFlags(running.url), statusIs(200));
  await eventually(() => requests() >= before + 12);
});
