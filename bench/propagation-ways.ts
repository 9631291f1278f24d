/**
 * The ways in which a change comes to the proxy, each with an upstream and a proxy of two workers of its own:
 * a change is made, and seen where clients see it. It times what it does, and judges nothing.
 */
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { listed } from "../test/support/discovered.ts";
import {
  discoveryPath,
  type FaultUpstream,
  proxyKey,
  startFaultUpstream,
} from "../test/support/fault-upstream.ts";
import { changeEvent, startRealtimeUpstream } from "../test/support/realtime-upstream.ts";
import { type ConfigTree, configFor, startProxyProcess } from "../test/support/running-proxy.ts";
import type { BuiltProxy } from "./built-proxy.ts";
import { getStatus, waitUntil } from "./measured-servers.ts";
import { environmentKeys, profileDocument, standardProfile } from "./profile-document.ts";
import { StreamClients } from "./stream-clients.ts";

export const streams = 100;
export const workers = 2;
/** Of the polls that are measured: of documents, and of the list of environments. */
export const pollSeconds = 1;

/** A proxy that serves, and whose environment can be changed. */
export interface ChangingProxy extends AsyncDisposable {
  /** @returns milliseconds from a change until the last client sees it */
  change(): Promise<number>;
}

export interface Way {
  readonly name: string;
  /** When it is seen. */
  readonly seen: string;
  readonly changes: number;
  /** Of the 99th percentile; null where none is set. */
  readonly targetMs: number | null;
  start(proxy: BuiltProxy): Promise<ChangingProxy>;
}

const told = "streams are told";
const answered = "the key is answered";

export const ways: readonly Way[] = [
  { name: "an event of the upstream", seen: told, changes: 100, targetMs: 250, start: startByEvents },
  { name: "a webhook", seen: told, changes: 30, targetMs: null, start: startByWebhook },
  {
    name: `a poll each ${pollSeconds} s`,
    seen: told,
    changes: 100,
    targetMs: 1000 * pollSeconds + 1000,
    start: startByPolls,
  },
  {
    name: `a new server key, the list asked for each ${pollSeconds} s`,
    seen: answered,
    changes: 20,
    targetMs: null,
    start: startByList,
  },
  { name: "a changed configuration file", seen: answered, changes: 20, targetMs: null, start: startByFile },
];

const { client, server } = environmentKeys(0);
const longPollSeconds = 3600;
const signingSecret = "signing-secret-of-the-bench";
const pathSecret = "path-secret-of-the-bench";

interface Rig extends AsyncDisposable {
  readonly upstream: FaultUpstream;
  readonly port: number;
  /** Writes the configuration file anew. */
  configure(config: ConfigTree): void;
}

/** @param configOf of the proxy, in front of this upstream */
async function startRig(built: BuiltProxy, configOf: ConfigTree, document = documentOf(0)): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startFaultUpstream());
  upstream.setDocument(server, document);
  upstream.setDocument(discoveryPath, [listed(client, server)]);
  const treeOf = ({ server: overrides = {}, ...config }: ConfigTree): ConfigTree =>
    configFor(upstream, {
      environment_key_pairs: [{ client_side_key: client, server_side_key: server }],
      api_poll_frequency_seconds: longPollSeconds,
      api_poll_timeout_seconds: 5,
      ...config,
      server: { workers, ...(overrides as ConfigTree) },
    });
  const proxy = stack.use(
    startProxyProcess({
      main: fileURLToPath(built.main),
      config: treeOf(configOf),
      environment: { ...built.environment },
    }),
  );
  const port = Number(new URL(await proxy.url()).port);
  await waitUntil(async () => (await getStatus(port, "/proxy/health", {})) === 200, 25);
  const owned = stack.move();
  return {
    upstream,
    port,
    configure: (config) => writeFileSync(join(proxy.folder, "config.json"), JSON.stringify(treeOf(config))),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** @param version the seconds of its date */
function documentOf(version: number): object {
  const document = JSON.parse(profileDocument(standardProfile)) as { project: object };
  return {
    ...document,
    project: { ...document.project, enable_realtime_updates: true },
    updated_at: new Date(1000 * updatedAtOf(version)).toISOString(),
  };
}

/** Seconds since the epoch. */
function updatedAtOf(version: number): number {
  return Date.UTC(2025, 0, 1) / 1000 + version;
}

/** @param tell what tells the proxy of a version that the upstream has now; nothing: it polls */
async function startTold(
  rig: Rig,
  tell: (version: number) => unknown,
  stack: AsyncDisposableStack,
): Promise<ChangingProxy> {
  const clients = stack.use(new StreamClients(rig.port, client));
  await clients.open(streams);
  let version = 0;
  const owned = stack.move();
  return {
    async change() {
      version += 1;
      const next = clients.nextEvent();
      const startMs = performance.now();
      rig.upstream.setDocument(server, documentOf(version));
      tell(version);
      return (await next).lastMs - startMs;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startByEvents(built: BuiltProxy): Promise<ChangingProxy> {
  await using stack = new AsyncDisposableStack();
  const realtime = stack.use(await startRealtimeUpstream());
  const rig = stack.use(await startRig(built, { realtime: { url: realtime.url } }));
  await waitUntil(async () => realtime.listeners > 0, 50);
  return await startTold(rig, (version) => realtime.send(changeEvent(updatedAtOf(version))), stack);
}

async function startByWebhook(built: BuiltProxy): Promise<ChangingProxy> {
  await using stack = new AsyncDisposableStack();
  const webhook = { path_secret: pathSecret, signing_secret: signingSecret };
  const rig = stack.use(await startRig(built, { webhook }));
  return await startTold(rig, () => sendWebhook(rig.port), stack);
}

function sendWebhook(port: number): void {
  const body = '{"data":{"new_state":{"environment":{"id":1}}}}';
  const signature = createHmac("sha256", signingSecret).update(body).digest("hex");
  const path = `/proxy/webhook/${pathSecret}`;
  const headers = { "x-flagsmith-signature": signature, "content-length": body.length };
  request({ port, host: "127.0.0.1", method: "POST", path, headers, agent: false }, (response) => {
    response.resume();
  }).end(body);
}

async function startByPolls(built: BuiltProxy): Promise<ChangingProxy> {
  await using stack = new AsyncDisposableStack();
  const rig = stack.use(await startRig(built, { api_poll_frequency_seconds: pollSeconds }));
  return await startTold(rig, () => undefined, stack);
}

/** @param put has the proxy learn of a server key in place of the one before */
async function startRotating(
  rig: Rig,
  put: (key: string) => void,
  stack: AsyncDisposableStack,
): Promise<ChangingProxy> {
  let rotations = 0;
  const owned = stack.move();
  return {
    async change() {
      rotations += 1;
      const key = `${server}_${rotations}`;
      rig.upstream.setDocument(key, documentOf(0));
      const startMs = performance.now();
      put(key);
      while (!(await isAnswered(rig.port, key))) await sleep(5);
      return performance.now() - startMs;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** By as many connections as reach each worker. */
async function isAnswered(port: number, key: string): Promise<boolean> {
  const ask = () => getStatus(port, "/api/v1/environment-document/", { "x-environment-key": key });
  const statuses = await Promise.all(Array.from({ length: 2 * workers }, ask));
  return statuses.every((status) => status === 200);
}

async function startByList(built: BuiltProxy): Promise<ChangingProxy> {
  await using stack = new AsyncDisposableStack();
  const discovering = {
    environment_key_pairs: [],
    proxy_key: proxyKey,
    api_poll_frequency_seconds: pollSeconds,
  };
  const rig = stack.use(await startRig(built, discovering));
  return await startRotating(
    rig,
    (key) => rig.upstream.setDocument(discoveryPath, [listed(client, key)]),
    stack,
  );
}

async function startByFile(built: BuiltProxy): Promise<ChangingProxy> {
  await using stack = new AsyncDisposableStack();
  const rig = stack.use(await startRig(built, {}));
  const put = (key: string) =>
    rig.configure({ environment_key_pairs: [{ client_side_key: client, server_side_key: key }] });
  return await startRotating(rig, put, stack);
}
