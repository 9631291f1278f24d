/** A proxy that starts without its upstream serves what the last one served (reliability C2, C10, C12). */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type FaultUpstream, startFaultUpstream } from "../support/fault-upstream.ts";
import {
  configFor,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  getFlags,
  healthOf,
  type ProxyProcess,
  postIdentity,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { childrenOf, isRunning } from "../support/worker-processes.ts";

const isServing = (url: string) => async () => (await getFlags(url)).status === 200;
const flagsText = async (url: string) => (await getFlags(url)).text();
const stateOf = async (url: string) => (await healthOf(url)).environments[0]?.state;

async function startUpstream(): Promise<FaultUpstream> {
  const upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  return upstream;
}

function start(upstream: FaultUpstream, path: string, workers = 1): ProxyProcess {
  const config = configFor(upstream, { storage: { enabled: true, path }, server: { workers } });
  return startProxyProcess({ config });
}

const storedFiles = (folder: string) => readdirSync(folder, { recursive: true, encoding: "utf8" });

/** Until a document is in the archive: its head is written last, and LevelDB's log has it as it is. */
async function archived(path: string): Promise<void> {
  const folder = join(path, "documents");
  const logs = () => storedFiles(folder).filter((name) => name.endsWith(".log"));
  await eventually(() => logs().some((name) => readFileSync(join(folder, name)).includes('"sequence":')));
}

it.each([
  ["SIGTERM", 1],
  ["SIGKILL", 1],
  ["SIGKILL", 2],
] as const)("after %s a start without upstream serves the same, with %i workers", async (signal, workers) => {
  await using upstream = await startUpstream();
  using folder = makeTemporaryFolder("archived-documents");
  const path = join(folder.path, "data");
  await using first = start(upstream, path, workers);
  const url = await first.url();
  await eventually(isServing(url));
  const [flags, identity] = [
    await flagsText(url),
    await (await postIdentity(url, { identifier: "a" })).text(),
  ];
  await archived(path);
  first.kill(signal);
  await first.exit;
  await upstream.refuse();
  await using second = start(upstream, path, workers);
  const again = await second.url();
  await eventually(isServing(again));
  expect(await flagsText(again)).toBe(flags);
  expect(await (await postIdentity(again, { identifier: "a" })).text()).toBe(identity);
  expect(await stateOf(again)).toBe("archived");
  expect(second.stdout()).toContain("Serving the archived document");
  await upstream.accept();
  await eventually(async () => (await stateOf(again)) === "fresh");
});

it("the youngest document is served, and a newer one of the upstream replaces it", async () => {
  await using upstream = await startUpstream();
  using folder = makeTemporaryFolder("archived-documents");
  const path = join(folder.path, "data");
  await using first = start(upstream, path);
  const url = await first.url();
  await eventually(isServing(url));
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "second" }));
  await eventually(async () => (await flagsText(url)).includes("second"));
  first.kill("SIGTERM");
  await first.exit;
  await upstream.refuse();
  await using second = start(upstream, path);
  const again = await second.url();
  await eventually(isServing(again));
  expect(await flagsText(again)).toContain("second");
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "third" }));
  await upstream.accept();
  await eventually(async () => (await flagsText(again)).includes("third"));
});

it("a second process on the same path says so, and serves", async () => {
  await using upstream = await startUpstream();
  using folder = makeTemporaryFolder("archived-documents");
  const path = join(folder.path, "data");
  await using first = start(upstream, path);
  await eventually(isServing(await first.url()));
  await using second = start(upstream, path);
  await eventually(isServing(await second.url()));
  expect(second.stdout()).toContain("Another process owns it");
});

it("a path that cannot be used is one warning", async () => {
  await using upstream = await startUpstream();
  using folder = makeTemporaryFolder("archived-documents");
  const path = join(folder.path, "data");
  writeFileSync(path, "");
  await using proxy = start(upstream, path);
  await eventually(isServing(await proxy.url()));
  expect(proxy.stdout().match(/Documents are not archived/g)).toHaveLength(1);
});

const keepersOf = ({ pid }: ProxyProcess) => childrenOf(pid, "store-program");

it("where the process that keeps the archive is killed, another one does, and flags are served", async () => {
  await using upstream = await startUpstream();
  using folder = makeTemporaryFolder("archived-documents");
  const path = join(folder.path, "data");
  await using first = start(upstream, path);
  const url = await first.url();
  await eventually(isServing(url));
  await archived(path);
  for (const pid of keepersOf(first)) process.kill(pid, "SIGKILL");
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "second" }));
  await eventually(async () => (await flagsText(url)).includes("second"));
  await eventually(() => keepersOf(first).length === 1);
  first.kill("SIGTERM");
  expect((await first.exit).code).toBe(0);
  await upstream.refuse();
  await using second = start(upstream, path);
  await eventually(isServing(await second.url()));
});

it.each([1, 2])("a disk that hangs holds up neither flags nor the end, with %i workers", async (workers) => {
  await using upstream = await startUpstream();
  using folder = makeTemporaryFolder("archived-documents");
  await using proxy = start(upstream, join(folder.path, "data"), workers);
  const url = await proxy.url();
  await eventually(isServing(url));
  const keepers = keepersOf(proxy);
  // It waits as it would for the disk.
  for (const pid of keepers) process.kill(pid, "SIGSTOP");
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "second" }));
  await eventually(async () => (await flagsText(url)).includes("second"));
  proxy.kill("SIGTERM");
  expect((await proxy.exit).code).toBe(0);
  await eventually(() => keepers.every((pid) => !isRunning(pid)));
});
