/** Workers that end, by a crash or in order (reliability 2.7, 2.9, C1, C4): others stand in for them. */

import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { startClients } from "../support/keep-alive-clients.ts";
import { freePort } from "../support/local-ports.ts";
import {
  clientKey,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  serverKey,
} from "../support/running-proxy.ts";
import {
  askEach,
  askFresh,
  flagsPath,
  flagsRequest,
  healthPath,
  isRunning,
  type RunningWorkers,
  replaceBoth,
  startWorkers,
  successorOf,
} from "../support/worker-processes.ts";

/** Starts and drains take long on a busy machine. */
const patienceMs = 25_000;

/** Kills a worker; resolves when the control plane has noticed. */
async function kill(running: RunningWorkers, pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await eventually(() => !running.pids().includes(pid), patienceMs);
}

it("C1 after kill -9 the other worker serves, and a new one all that is held, without a poll", async () => {
  await using running = await startWorkers({ config: { api_poll_frequency_seconds: 600 } });
  const { port } = running;
  await eventually(async () => (await askFresh(port, healthPath)).every(({ status }) => status === 200));
  const paths = [flagsPath, healthPath];
  const before = await Promise.all(paths.map((path) => askFresh(port, path, { count: 1 })));
  await running.upstream.refuse();
  await using connections = await running.connect();
  const pids = running.pids();
  const [victim = 0, survivor = 0] = pids;
  await kill(running, victim);
  const open = connections.open();
  expect(open.length).toBeGreaterThan(0);
  expect(open.length).toBeLessThan(connections.all.length);
  let isReplaced = false;
  const replaced = successorOf(running, pids).finally(() => {
    isReplaced = true;
  });
  while (!isReplaced) {
    for (const { status } of await askEach(open, flagsRequest())) expect(status).toBe(200);
    expect(await Promise.all(paths.map((path) => askFresh(port, path, { count: 1 })))).toEqual(before);
  }
  await replaced;
  // What is left when the survivor has gone too was given by the control plane alone.
  await kill(running, survivor);
  expect(await Promise.all(paths.map((path) => askFresh(port, path, { count: 1 })))).toEqual(before);
  await eventually(() => running.proxy.stdout().match(/another takes its place/g)?.length === 2);
});

/** The demo document with another value, and with so many features more. */
function documentOf(value: string, features: number): string {
  const document = JSON.parse(demoDocumentWith({ banner_text: value })) as {
    feature_states: { feature: { id: number; name: string } }[];
  };
  const [state] = document.feature_states;
  const others = Array.from({ length: features }, (_, index) => ({
    ...state,
    feature: { ...state?.feature, id: 1000 + index, name: `feature ${index}` },
  }));
  return JSON.stringify({ ...document, feature_states: [...document.feature_states, ...others] });
}

it("a document that comes while a worker starts is not lost on it", async () => {
  // Slow to compile, unlike the one that replaces it: the older must not be done last.
  const older = documentOf("older", 5000);
  const upstream = { document_bytes_max: 50_000_000 };
  await using running = await startWorkers({ document: older, config: { upstream } });
  const valuesOfAll = async () => {
    const answers = await askFresh(running.port, `${flagsPath}?feature=banner_text`);
    return [...new Set(answers.map(({ body }) => /older|newer/.exec(body)?.[0]))].sort();
  };
  for (let round = 0; round < 3; round += 1) {
    const newer = documentOf("newer", round);
    const pids = running.pids();
    await kill(running, pids[0] ?? 0);
    await eventually(() => running.pids().length === 2, patienceMs);
    running.upstream.setDocument(serverKey, newer);
    await successorOf(running, pids);
    await eventually(async () => (await valuesOfAll()).join() === "newer", patienceMs);
    running.upstream.setDocument(serverKey, older);
    await eventually(async () => (await valuesOfAll()).join() === "older", patienceMs);
  }
}, 180_000);

it("a document that comes while a new worker is told of another environment is not lost on it", async () => {
  const pairs = { [clientKey]: serverKey, second_client_key: "ser.second_server_key" };
  const environment_key_pairs = Object.entries(pairs).map(([client_side_key, server_side_key]) => {
    return { client_side_key, server_side_key };
  });
  const config = { environment_key_pairs, upstream: { document_bytes_max: 50_000_000 } };
  await using running = await startWorkers({ document: documentOf("slow", 5000), config });
  const isServedByAll = async (value: string) => {
    const answers = await askFresh(running.port, flagsPath, { key: "second_client_key" });
    return answers.every(({ body }) => body.includes(`"${value}"`));
  };
  running.upstream.setDocument(pairs.second_client_key, documentOf("older", 0));
  await eventually(() => isServedByAll("older"));
  const pids = running.pids();
  const [victim = 0, survivor = 0] = pids;
  await kill(running, victim);
  // As long as it stands still, the newer document is not known to be served.
  process.kill(survivor, "SIGSTOP");
  running.upstream.setDocument(pairs.second_client_key, documentOf("newer", 0));
  await sleep(2000);
  process.kill(survivor, "SIGCONT");
  await successorOf(running, pids);
  await eventually(() => isServedByAll("newer"));
});

it("both workers killed at once: the address is served again, with the held document", async () => {
  const port = await freePort();
  await using running = await startWorkers({ config: { server: { port } } });
  await running.upstream.refuse();
  await replaceBoth(running);
});

it("five deaths within half a minute are survived; the sixth ends the service with exit code 1", async () => {
  await using running = await startWorkers();
  const [survivor = 0] = running.pids();
  for (let deaths = 1; deaths <= 5; deaths += 1) {
    await eventually(() => running.pids().length === 2, patienceMs);
    await kill(running, running.pids().find((pid) => pid !== survivor) ?? 0);
    for (const { status } of await askFresh(running.port, flagsPath, { count: 1 })) expect(status).toBe(200);
  }
  await successorOf(running, [survivor]);
  expect(running.proxy.hasEnded).toBe(false);
  const last = running.pids();
  await kill(running, last.find((pid) => pid !== survivor) ?? 0);
  await eventually(() => running.proxy.hasEnded, patienceMs);
  expect(await running.proxy.exit).toEqual({ code: 1, signal: null });
  expect(last.filter(isRunning)).toEqual([]);
  expect(`${running.proxy.stdout()}${running.proxy.stderr()}`).toMatch(/more than 5 workers died/);
});

it("a worker that hangs amid a connection and a document, and is killed, ends nothing else", async () => {
  await using running = await startWorkers();
  const { port, upstream } = running;
  const pids = running.pids();
  const [victim = 0] = pids;
  process.kill(victim, "SIGSTOP");
  // One of these is handed to the victim, and what is sent to it then waits behind that connection.
  const clients = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
  await Promise.all(clients.map((client) => once(client, "connect")));
  onTestFinished(() => clients.forEach((client) => void client.destroy()));
  upstream.forgetRequests();
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "second" }));
  await eventually(() => upstream.requests().length > 0);
  await sleep(500);
  await kill(running, victim);
  await successorOf(running, pids);
  const isServedByAll = async (value: string) => {
    const answers = await askFresh(port, `${flagsPath}?feature=banner_text`);
    return answers.every(({ body }) => body.includes(`"${value}"`));
  };
  await eventually(() => isServedByAll("second"));
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "third" }));
  await eventually(() => isServedByAll("third"));
  expect(running.pids()).toContain(pids[1]);
});

it("SIGTERM loses no request of busy or pausing keep-alive clients, and exits 0", async () => {
  await using running = await startWorkers({ config: { server: { drain_delay_seconds: 2 } } });
  const pids = running.pids();
  const clients = startClients({ port: running.port, clients: 40, key: clientKey });
  await eventually(() => clients.answered > 400);
  const done = clients.endAfterClosings(3);
  running.proxy.kill("SIGTERM");
  await done;
  expect(clients.lost).toEqual([]);
  expect(clients.closings).toBe(120);
  expect(await running.proxy.exit).toEqual({ code: 0, signal: null });
  expect(pids.filter(isRunning)).toEqual([]);
});

it("SIGTERM to one worker alone loses no request either, and another takes its place", async () => {
  await using running = await startWorkers({ config: { server: { drain_delay_seconds: 1 } } });
  const pids = running.pids();
  const clients = startClients({ port: running.port, clients: 20, key: clientKey });
  await eventually(() => clients.answered > 200);
  process.kill(pids[0] ?? 0, "SIGTERM");
  await successorOf(running, pids);
  expect(running.pids()).toContain(pids[1]);
  const { answered } = clients;
  await eventually(() => clients.answered > answered + 200);
  await clients.endAfterClosings(0);
  expect(clients.lost).toEqual([]);
  expect(clients.closings).toBeGreaterThan(0);
  expect(running.proxy.hasEnded).toBe(false);
});

it.each(["SIGINT", "SIGTERM"] as const)(
  "%s to all processes at once, as a terminal or systemd sends it, is a drain like any other",
  async (signal) => {
    await using running = await startWorkers({ config: { server: { drain_delay_seconds: 1 } } });
    const pids = running.pids();
    const clients = startClients({ port: running.port, clients: 10, key: clientKey });
    await eventually(() => clients.answered > 100);
    const done = clients.endAfterClosings(1);
    for (const pid of [...pids, running.proxy.pid]) process.kill(pid, signal);
    await done;
    expect(clients.lost).toEqual([]);
    expect(await running.proxy.exit).toEqual({ code: 0, signal: null });
    expect(running.proxy.stdout()).not.toMatch(/another takes its place|"level":"error"/);
    expect(pids.filter(isRunning)).toEqual([]);
  },
);

it("C4 a second SIGTERM ends the drain of all workers at once, by exit code 0", async () => {
  await using running = await startWorkers({ config: { server: { drain_delay_seconds: 600 } } });
  running.proxy.kill("SIGTERM");
  await eventually(async () =>
    (await askFresh(running.port, healthPath)).every(({ status }) => status === 503),
  );
  for (const { status } of await askFresh(running.port, flagsPath)) expect(status).toBe(200);
  running.proxy.kill("SIGTERM");
  await eventually(() => running.proxy.hasEnded, patienceMs);
  expect(await running.proxy.exit).toEqual({ code: 0, signal: null });
});

it("workers do not outlive a control plane that is killed", async () => {
  await using running = await startWorkers({ document: demoDocumentText });
  const pids = running.pids();
  expect(pids).toHaveLength(2);
  running.proxy.kill("SIGKILL");
  await eventually(() => pids.every((pid) => !isRunning(pid)));
});
