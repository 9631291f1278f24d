/** Faults within the processes (reliability 2.7, C1, C8): what ends, what goes on. */

import { createServer, type Server } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { freePort } from "../support/local-ports.ts";
import { demoDocumentWith, eventually, serverKey, startProxyProcess } from "../support/running-proxy.ts";
import {
  askFresh,
  flagsPath,
  healthPath,
  isRunning,
  linesWith,
  type RunningWorkers,
  replaceBoth,
  startWorkers,
  successorOf,
  withFaults,
  workersConfig,
} from "../support/worker-processes.ts";

const patienceMs = 25_000;

/** Asks all workers; the one flag's value where all agree. */
async function servedValue({ port }: RunningWorkers): Promise<string> {
  const answers = await askFresh(port, `${flagsPath}?feature=banner_text`);
  const values = answers.map(
    ({ body }) => (JSON.parse(body) as { feature_state_value: string }).feature_state_value,
  );
  return [...new Set(values)].join();
}

it("C8 a document that ends the worker that tries it ends no other, and is then left", async () => {
  await using running = await startWorkers({ environment: withFaults });
  const { upstream } = running;
  const pids = running.pids();
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "second" }));
  await eventually(async () => (await servedValue(running)) === "second");
  expect(running.pids()).toEqual(pids);
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "injected: end" }));
  const reports = async () => (await askFresh(running.port, healthPath)).map(({ body }) => body);
  const wanted = '"state":"failing","reason":"document_fatal"';
  await eventually(async () => (await reports()).every((body) => body.includes(wanted)), patienceMs);
  upstream.forgetRequests();
  await eventually(() => upstream.requests().length > 5);
  expect(linesWith(running, "another takes its place")).toHaveLength(2);
  expect(pids.filter(isRunning)).toHaveLength(1);
  expect(await servedValue(running)).toBe("second");
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "third" }));
  await eventually(async () => (await servedValue(running)) === "third", patienceMs);
  expect(linesWith(running, "another takes its place")).toHaveLength(2);
  expect(pids.filter(isRunning)).toHaveLength(1);
}, 60_000);

it("a first document that ends workers leaves them to answer 503, and the next one is served", async () => {
  const bad = demoDocumentWith({ banner_text: "injected: end" });
  await using upstream = await startFaultUpstream();
  const second = { client_side_key: "second_client_key", server_side_key: "ser.second_server_key" };
  upstream.setDocument(second.server_side_key, bad);
  const config = workersConfig(upstream, { environment_key_pairs: [second] });
  await using proxy = startProxyProcess({ config, environment: withFaults });
  const port = Number(new URL(await proxy.url()).port);
  await eventually(() => proxy.stdout().includes("document_fatal"), patienceMs);
  const ask = () => askFresh(port, flagsPath, { key: second.client_side_key });
  expect((await ask()).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 503));
  upstream.setDocument(second.server_side_key, demoDocumentWith({ banner_text: "good" }));
  await eventually(async () => (await ask()).every(({ status }) => status === 200), patienceMs);
}, 60_000);

it("with port 0 the address stays the same when all workers have been replaced", async () => {
  await using running = await startWorkers();
  await replaceBoth(running);
  // One more: it shares the socket of the others.
  const [third = 0] = running.pids();
  const before = running.pids();
  process.kill(third, "SIGKILL");
  await successorOf(running, before);
  expect((await askFresh(running.port, flagsPath)).every(({ status }) => status === 200)).toBe(true);
});

/** Takes the port as soon as it is free. */
async function takePort(port: number): Promise<Server> {
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    const isTaken = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (isTaken) return server;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it("a port that is lost with all workers is named, tried again, and ends the service with 69", async () => {
  const port = await freePort();
  await using running = await startWorkers({ config: { server: { port } } });
  for (const pid of running.pids()) process.kill(pid, "SIGKILL");
  const thief = await takePort(port);
  onTestFinished(() => void thief.close());
  await eventually(() => running.proxy.hasEnded, patienceMs);
  expect(await running.proxy.exit).toEqual({ code: 69, signal: null });
  const refusals = linesWith(running, "it cannot serve: cannot listen on");
  expect(refusals.length).toBeGreaterThan(1);
  expect(running.proxy.stdout().trim().split("\n").at(-1)).toMatch(/"level":"error".*port is in use/);
});
