/** Workers that stand still (reliability C6): the others go on, and a drain ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { RawConnection, requestText } from "../support/raw-client.ts";
import { clientKey, demoDocumentWith, demoPair, eventually, serverKey } from "../support/running-proxy.ts";
import {
  askEach,
  askFresh,
  flagsPath,
  flagsRequest,
  healthPath,
  isRunning,
  linesWith,
  type RunningWorkers,
  startWorkers,
  successorOf,
} from "../support/worker-processes.ts";

const patienceMs = 25_000;
const secondKeys = { client_side_key: "second_client_key", server_side_key: "ser.second_server_key" };
const twoEnvironments = [demoPair, secondKeys];

const warningsOf = (running: RunningWorkers) => linesWith(running, "another takes its place");

it.concurrent("C6 a worker that hangs is replaced, with one warning, while refreshes go on", async () => {
  await using running = await startWorkers({ config: { environment_key_pairs: twoEnvironments } });
  const { upstream, port } = running;
  const keys = [serverKey, secondKeys.server_side_key];
  const pids = running.pids();
  const [victim = 0, survivor] = pids;
  process.kill(victim, "SIGSTOP");
  const publishToAll = (value: string) => {
    for (const key of keys) upstream.setDocument(key, demoDocumentWith({ banner_text: value }));
  };
  publishToAll("second");
  await sleep(500);
  publishToAll("third");
  await sleep(500);
  upstream.forgetRequests();
  for (const key of keys) {
    const polls = () => upstream.requests().filter(({ headers }) => headers["x-environment-key"] === key);
    await eventually(() => polls().length >= 5);
  }
  expect(isRunning(victim)).toBe(true);
  const hungMs = performance.now();
  await successorOf(running, pids);
  // Ten seconds are wanted, and meant for a machine that has nothing else to do.
  expect(performance.now() - hungMs).toBeLessThan(patienceMs);
  for (const key of [clientKey, secondKeys.client_side_key]) {
    const answers = await askFresh(port, `${flagsPath}?feature=banner_text`, { key });
    expect(answers.every(({ body }) => body.includes('"third"'))).toBe(true);
  }
  expect(running.pids()).toContain(survivor);
  expect(warningsOf(running)).toEqual([expect.stringContaining("it did not answer for 8 s")]);
}, 60_000);

it.concurrent("a worker that stands still for a moment goes on, and gets what it missed", async () => {
  await using running = await startWorkers();
  await using connections = await running.connect();
  const pids = running.pids();
  const [victim = 0] = pids;
  process.kill(victim, "SIGSTOP");
  for (const value of ["second", "third"]) {
    running.upstream.setDocument(serverKey, demoDocumentWith({ banner_text: value }));
    await sleep(1500);
  }
  process.kill(victim, "SIGCONT");
  await eventually(async () => {
    const answers = await askEach(connections.all, flagsRequest("banner_text"));
    return answers.every(({ body }) => body.includes('"third"'));
  });
  expect(running.pids()).toEqual(pids);
  expect(connections.open()).toHaveLength(connections.all.length);
  expect(warningsOf(running)).toEqual([]);
});

it.concurrent("a drain ends within its limits although a worker hangs", async () => {
  const server = { drain_delay_seconds: 0, drain_timeout_seconds: 1 };
  await using running = await startWorkers({ config: { server } });
  const pids = running.pids();
  process.kill(pids[0] ?? 0, "SIGSTOP");
  running.proxy.kill("SIGTERM");
  await eventually(() => running.proxy.hasEnded, patienceMs);
  expect(await running.proxy.exit).toEqual({ code: 0, signal: null });
  expect(pids.filter(isRunning)).toEqual([]);
  // The heartbeat would have ended it too, later.
  expect(running.proxy.stdout()).toMatch(/did not end in time, and was killed/);
});

it.concurrent("a second signal ends at once although all workers hang", async () => {
  await using running = await startWorkers({ config: { server: { drain_delay_seconds: 600 } } });
  const pids = running.pids();
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  running.proxy.kill("SIGTERM");
  await sleep(500);
  expect(running.proxy.hasEnded).toBe(false);
  running.proxy.kill("SIGTERM");
  await eventually(() => running.proxy.hasEnded, patienceMs);
  expect(await running.proxy.exit).toEqual({ code: 0, signal: null });
  expect(pids.filter(isRunning)).toEqual([]);
  // Else the heartbeat would have ended them, later.
  expect(linesWith(running, "did not end in time, and was killed")).toHaveLength(2);
});

it.concurrent("health tells when nobody polls as the control plane hangs, and when it goes on", async () => {
  const health_check = { environment_update_grace_period_seconds: null };
  await using running = await startWorkers({ config: { health_check } });
  // Opened before: the control plane is who accepts connections.
  await using connection = await RawConnection.open(running.port);
  const ask = async () => (await connection.send(requestText(`GET ${healthPath}`)).response()).body;
  await eventually(async () => (await ask()).includes('"state":"fresh","reason":null'));
  const controlPlane = running.proxy.pid;
  process.kill(controlPlane, "SIGSTOP");
  await eventually(async () => (await ask()).includes('"state":"failing","reason":"not_polled"'), patienceMs);
  process.kill(controlPlane, "SIGCONT");
  await eventually(async () => (await ask()).includes('"state":"fresh","reason":null'), patienceMs);
  expect(warningsOf(running)).toEqual([]);
}, 60_000);
