/** A proxy without any upstream: from files, and from what another proxy archived. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import {
  configFor,
  demoDocumentText,
  demoDocumentWith,
  demoPair,
  eventually,
  getFlags,
  healthOf,
  logRecords,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

/** Nobody listens there. */
const nowhere = { apiUrl: "http://127.0.0.1:9/api/v1" };
const isServing = (url: string) => async () => (await getFlags(url)).status === 200;
const flagsText = async (url: string) => (await getFlags(url)).text();

function startOffline(file: string | null, storage: object = { enabled: false }) {
  const pairs = [{ ...demoPair, file }];
  const config = configFor(nowhere, { offline: true, environment_key_pairs: pairs, storage });
  return startProxyProcess({ config });
}

it("documents come from files, and changed files are read again", async () => {
  using folder = makeTemporaryFolder("offline");
  const file = join(folder.path, "environment.json");
  writeFileSync(file, demoDocumentText);
  await using proxy = startOffline(file);
  const url = await proxy.url();
  await eventually(isServing(url));
  expect(await healthOf(url)).toMatchObject({ status: "ok", environments: [{ state: "fresh" }] });
  writeFileSync(file, demoDocumentWith({ banner_text: "changed" }));
  await eventually(async () => (await flagsText(url)).includes("changed"));
  for (const [text, reason] of [
    ["{", "document_invalid"],
    ["", "not_json"],
  ] as const) {
    writeFileSync(file, text);
    await eventually(async () => (await healthOf(url)).environments[0]?.reason === reason);
    expect(await flagsText(url)).toContain("changed");
  }
  const told = logRecords(proxy).filter(({ code }) => code !== undefined);
  expect(told.map(({ message }) => message)).toEqual([
    expect.stringContaining("Look at the file in environment_key_pairs[].file: it may be half a document"),
    expect.stringContaining("Look at the file in environment_key_pairs[].file: it is empty"),
  ]);
  rmSync(file);
  await eventually(async () => (await healthOf(url)).environments[0]?.reason === "no_file");
  expect(await flagsText(url)).toContain("changed");
  writeFileSync(file, demoDocumentWith({ banner_text: "again" }));
  await eventually(async () => (await flagsText(url)).includes("again"));
});

it("without a file the archive of another proxy is served", async () => {
  using folder = makeTemporaryFolder("offline");
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  const storage = { enabled: true, path: join(folder.path, "data") };
  await using online = startProxyProcess({ config: configFor(upstream, { storage }) });
  const url = await online.url();
  await eventually(isServing(url));
  const flags = await flagsText(url);
  online.kill("SIGTERM");
  await online.exit;
  await using offline = startOffline(null, storage);
  const again = await offline.url();
  await eventually(isServing(again));
  expect(await flagsText(again)).toBe(flags);
  expect(await healthOf(again)).toMatchObject({ status: "ok", environments: [{ state: "archived" }] });
});

it("with neither file nor archive it says so, and answers 503", async () => {
  await using proxy = startOffline(null);
  const url = await proxy.url();
  await eventually(() => proxy.stdout().includes("there is no document for this environment"));
  expect([(await getFlags(url)).status, (await healthOf(url)).status]).toEqual([503, "error"]);
});
