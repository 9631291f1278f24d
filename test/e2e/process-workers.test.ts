/** Several processes that serve: all answer alike and learn the same, and the upstream is asked once. */

import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { occupyPort } from "../support/local-ports.ts";
import { RawConnection, requestText } from "../support/raw-client.ts";
import {
  clientKey,
  configFor,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  runCommand,
  serverKey,
  startProxy,
  startProxyProcess,
} from "../support/running-proxy.ts";
import {
  askEach,
  askFresh,
  flagsPath,
  flagsRequest,
  healthPath,
  linesWith,
  startWorkers,
  workersConfig,
  workersOf,
} from "../support/worker-processes.ts";

const get = (path: string, key: string) => requestText(`GET ${path}`, [`X-Environment-Key: ${key}`]);
const health = requestText(`GET ${healthPath}`);

const questions = [
  get("/api/v1/flags/", clientKey),
  get("/api/v1/flags", serverKey),
  get("/api/v1/flags/?feature=banner_text", clientKey),
  get("/api/v1/flags/?feature=none", clientKey),
  get("/api/v1/identities/?identifier=alice", clientKey),
  requestText("POST /api/v1/identities/", [`X-Environment-Key: ${clientKey}`], '{"identifier":"alice"}'),
  get("/api/v1/environment-document/", serverKey),
  get("/api/v1/environment-document/", clientKey),
  get("/api/v1/flags/", "unknown"),
  get("/none", clientKey),
  requestText("GET /proxy/health/liveness"),
];

it("every worker answers every question as a single process does", async () => {
  await using single = await startProxy();
  await using running = await startWorkers();
  await using connections = await running.connect();
  await using reference = await RawConnection.open(single.port);
  for (const question of questions) {
    const [wanted] = await askEach([reference], question);
    for (const answer of await askEach(connections.all, question)) {
      expect(answer.status).toBe(wanted?.status);
      expect(answer.body).toBe(wanted?.body);
      expect(answer.headers.get("etag")).toBe(wanted?.headers.get("etag"));
    }
  }
  // They are two, and each has a share of the connections: those of one end with it.
  const [one = 0, other] = running.pids();
  expect(other).toBeDefined();
  process.kill(one, "SIGKILL");
  await eventually(() => linesWith(running, "another takes its place").length > 0);
  // All of it is gone, with its connections: a turn of the loop brings the news of each.
  await turn();
  const open = connections.open();
  expect(open.length).toBeLessThan(connections.all.length);
  expect(open.length).toBeGreaterThan(0);
  for (const { status } of await askEach(open, flagsRequest())) expect(status).toBe(200);
});

it("a change of the document reaches every worker, and a faulty document none", async () => {
  await using running = await startWorkers();
  await using connections = await running.connect();
  const { upstream } = running;
  const valuesOfAll = async () => {
    const answers = await askEach(connections.all, flagsRequest("banner_text"));
    return [
      ...new Set(
        answers.map(({ body }) => (JSON.parse(body) as { feature_state_value: unknown }).feature_state_value),
      ),
    ];
  };
  const statesOfAll = async () => {
    const answers = await askEach(connections.all, health);
    return [
      ...new Set(
        answers.map(({ body }) => environmentOf(body)).map(({ state, reason }) => `${state} ${reason}`),
      ),
    ];
  };
  await eventually(async () => (await statesOfAll()).join() === "fresh null");
  for (const value of ["second", "third"]) {
    upstream.setDocument(serverKey, demoDocumentWith({ banner_text: value }));
    await eventually(async () => (await valuesOfAll()).join() === value);
  }
  for (const faulty of ["{}", '{"api_key":', demoDocumentWith({ banner_text: ["no scalar"] })]) {
    upstream.setDocument(serverKey, faulty);
    await eventually(async () => (await statesOfAll()).join() === "failing document_invalid");
    expect(await valuesOfAll()).toEqual(["third"]);
    upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "third" }));
    await eventually(async () => (await statesOfAll()).join() === "fresh null");
  }
  const fresh = await askFresh(running.port, flagsPath, { count: 20 });
  expect(new Set(fresh.map(({ body }) => body)).size).toBe(1);
  expect(fresh[0]?.body).toContain('"third"');
});

interface HealthOfEnvironment {
  readonly state: string;
  readonly reason: string | null;
}

function environmentOf(body: string): HealthOfEnvironment {
  const { environments } = JSON.parse(body) as { environments: [HealthOfEnvironment] };
  return environments[0];
}

it("health tells of the same refreshes on every worker, through an outage and after it", async () => {
  const health_check = { environment_update_grace_period_seconds: 0 };
  const config = { api_poll_frequency_seconds: 0.3, health_check };
  await using running = await startWorkers({ config });
  await using connections = await running.connect();
  const reports = async () =>
    (await askEach(connections.all, health)).map(
      ({ status, body }) => `${status} ${environmentOf(body).reason}`,
    );
  const eventuallyAll = (wanted: string) =>
    eventually(async () => (await reports()).every((report) => report === wanted));
  await eventuallyAll("200 null");
  await running.upstream.refuse();
  await eventuallyAll("503 unreachable");
  const states = async () => (await askEach(connections.all, health)).map(({ body }) => body);
  await eventually(async () => new Set(await states()).size === 1);
  await running.upstream.accept();
  await eventuallyAll("200 null");
});

it("the upstream is asked once for all workers", async () => {
  await using running = await startWorkers({ config: { api_poll_frequency_seconds: 600 } });
  await using connections = await running.connect();
  await eventually(() => running.pids().length === 2);
  for (const { status } of await askEach(connections.all, flagsRequest())) expect(status).toBe(200);
  expect(running.upstream.requests()).toHaveLength(1);
  expect(running.upstream.connections).toBe(1);
});

it("polls keep their interval, whatever the number of workers", async () => {
  const intervalMs = 400;
  await using running = await startWorkers({
    config: { api_poll_frequency_seconds: intervalMs / 1000 },
    environment: { SERVER__WORKERS: "4" },
  });
  const { upstream } = running;
  upstream.forgetRequests();
  await eventually(() => upstream.requests().length >= 6);
  const times = upstream.requests().map(({ time }) => time.getTime());
  // Several pollers would ask several times within each interval; a late answer lengthens it.
  expect(((times.at(-1) ?? 0) - (times[0] ?? 0)) / (times.length - 1)).toBeGreaterThan(intervalMs * 0.7);
});

it("a document of several megabytes reaches every worker, and every identity in it", async () => {
  const document = largeDocument(40_000);
  expect(document.length).toBeGreaterThan(5_000_000);
  const upstream = { document_bytes_max: 50_000_000 };
  await using running = await startWorkers({ document, config: { upstream } });
  await using connections = await running.connect();
  const documents = await askEach(connections.all, get("/api/v1/environment-document/", serverKey));
  for (const { body } of documents) expect(body === document).toBe(true);
  for (const index of [0, 1, 19_999, 39_999]) {
    const question = get(`/api/v1/identities/?identifier=identity-${index}`, clientKey);
    for (const { body } of await askEach(connections.all, question)) expect(body).toContain(`"for ${index}"`);
  }
  const other = get("/api/v1/identities/?identifier=identity-40000", clientKey);
  for (const { body } of await askEach(connections.all, other)) expect(body).not.toContain('"for ');
});

/** The demo document with so many identity overrides of its first feature. */
function largeDocument(overrides: number): string {
  const document = JSON.parse(demoDocumentText) as {
    feature_states: { feature: object }[];
    identity_overrides: object[];
  };
  const { feature } = document.feature_states[0] ?? {};
  const overrideOf = (index: number) => ({
    identifier: `identity-${index}`,
    identity_features: [{ feature, enabled: true, feature_state_value: `for ${index}` }],
  });
  document.identity_overrides = Array.from({ length: overrides }, (_, index) => overrideOf(index));
  return JSON.stringify(document);
}

it.each([
  [{ WEB_CONCURRENCY: "3" }, 2, 3],
  [{ WEB_CONCURRENCY: "" }, 2, 2],
  [{ WEB_CONCURRENCY: "3", SERVER__WORKERS: "1" }, 2, 0],
  [{}, 1, 0],
])(
  "with the variables %j over a file's %d, %d other processes serve",
  async (environment, workers, processes) => {
    await using running = await startWorkers({ config: { server: { workers } }, environment });
    expect(running.pids()).toHaveLength(processes);
    await using connections = await running.connect();
    for (const { status } of await askEach(connections.all, flagsRequest())) expect(status).toBe(200);
  },
);

it.concurrent.each(["many", "0", "1.5", "257"])(
  "WEB_CONCURRENCY of %s is one clear line and exit code 64",
  async (text) => {
    const config = configFor({ apiUrl: "http://127.0.0.1:9/api/v1" });
    const { code, stdout, stderr } = await runCommand({ config, environment: { WEB_CONCURRENCY: text } });
    expect([code, stdout]).toEqual([64, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/^server\.workers: .*WEB_CONCURRENCY/);
  },
);

it.each([0, 600])(
  "a port in use is one clear line and exit code 69, with a drain delay of %d s",
  async (drain_delay_seconds) => {
    using occupant = await occupyPort();
    const { port } = occupant;
    const server = { port, drain_delay_seconds };
    const config = workersConfig({ apiUrl: "http://127.0.0.1:9/api/v1" }, { server });
    await using proxy = startProxyProcess({ config });
    await eventually(() => proxy.hasEnded, 20_000);
    const { code } = await proxy.exit;
    const lines = `${proxy.stdout()}${proxy.stderr()}`.trim().split("\n");
    const line = expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${port}.*in use`));
    expect({ code, lines }).toEqual({ code: 69, lines: [line] });
  },
);

it("before the first document every worker answers 503, and each serves once it comes", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  await upstream.refuse();
  await using proxy = startProxyProcess({ config: workersConfig(upstream) });
  const port = Number(new URL(await proxy.url()).port);
  expect(workersOf(proxy.pid)).toHaveLength(2);
  for (const { status } of await askFresh(port, flagsPath)) expect(status).toBe(503);
  for (const { status } of await askFresh(port, healthPath)) expect(status).toBe(503);
  await upstream.accept();
  for (const path of [flagsPath, healthPath]) {
    await eventually(async () => (await askFresh(port, path)).every(({ status }) => status === 200));
  }
});
