/** The configuration is read again when its files change, however they do; what is faulty changes nothing. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { replaceFile, startReloading } from "../support/reloading-proxy.ts";
import {
  type ConfigTree,
  clientKey,
  configFor,
  demoDocumentText,
  demoPair,
  eventually,
  getFlags,
  postIdentity,
  runCommand,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";

/** Longer than it takes to notice a change: whatever was to be said has been said then. */
const noticedMs = 3500;
const pass = (ms = noticedMs) => new Promise((resolve) => setTimeout(resolve, ms));

/** The linter takes a reference in a plain string for a mistake. */
const reference = ["$", "{file:key}"].join("");
const shortIdentifiers = { limits: { identifier_characters_max: 5 } };
/** A request with an identifier that no other had: what is evaluated once may be kept. */
const isRefused = async (url: string) =>
  (await postIdentity(url, { identifier: crypto.randomUUID() })).status === 422;

it.concurrent("a file that is replaced or rewritten counts; one that is touched does not", async () => {
  await using running = await startReloading();
  const file = join(running.proxy.folder, "config.json");
  running.write(shortIdentifiers);
  expect(await running.saidBeyond(0)).toMatchObject([{ settings: ["limits.identifier_characters_max"] }]);
  expect(await isRefused(running.url)).toBe(true);

  writeFileSync(file, JSON.stringify(configFor(running.upstream)));
  expect(await running.saidBeyond(1)).toMatchObject([{ settings: ["limits.identifier_characters_max"] }]);
  expect(await isRefused(running.url)).toBe(false);

  utimesSync(file, new Date(), new Date());
  running.write({});
  await pass();
  expect(running.said()).toHaveLength(2);

  writeFileSync(file, `${readFileSync(file, "utf8")}\n`);
  expect(await running.saidBeyond(2)).toMatchObject([
    { message: expect.stringContaining("nothing changes") },
  ]);
});

it.concurrent("a faulty file is refused whole, in the words of check-config, once", async () => {
  await using running = await startReloading();
  const faulty = JSON.stringify({ ...configFor(running.upstream, shortIdentifiers), allow_origins: [7] });
  running.write(faulty);
  const [line] = await running.saidBeyond(0);
  const checked = await runCommand({ words: ["check-config"], config: faulty });
  expect(line).toMatchObject({ level: "error", faults: checked.stderr.trimEnd().split("\n") });
  expect(line?.["faults"]).toHaveLength(1);
  expect(await isRefused(running.url)).toBe(false);
  running.write(faulty);
  await pass();
  expect(running.said()).toHaveLength(1);

  running.write("{");
  expect(await running.saidBeyond(1)).toMatchObject([
    { level: "error", faults: [expect.stringContaining("./config.json: not valid JSON")] },
  ]);
  // Somebody who asks is told again.
  expect(await running.hangup()).toMatchObject([{ level: "error" }]);
  running.write(shortIdentifiers);
  expect(await running.saidBeyond(3)).toMatchObject([{ level: "info" }]);
  expect(await isRefused(running.url)).toBe(true);
});

it.concurrent("a file that disappears is a warning, also where variables would do without it", async () => {
  const environment = { ENVIRONMENT_KEY_PAIRS: JSON.stringify([demoPair]) };
  await using running = await startReloading({ config: shortIdentifiers, environment });
  rmSync(join(running.proxy.folder, "config.json"));
  expect(await running.saidBeyond(0)).toMatchObject([
    { level: "warn", file: expect.stringMatching(/config\.json$/) },
  ]);
  expect(await isRefused(running.url)).toBe(true);
  expect(await running.hangup()).toMatchObject([{ level: "warn" }]);
  running.write(shortIdentifiers);
  expect(await running.saidBeyond(2)).toMatchObject([
    { message: expect.stringContaining("nothing changes") },
  ]);
});

it.concurrent("settings that need a restart are named once, and do not count", async () => {
  await using running = await startReloading();
  const later = { storage: { enabled: true }, server: { port: 1 }, polling: { concurrency_max: 3 } };
  running.write({ ...later, ...shortIdentifiers });
  expect(await running.saidBeyond(0)).toMatchObject([
    { level: "info", settings: ["limits.identifier_characters_max"] },
    { level: "warn", settings: ["server.port", "polling.concurrency_max", "storage.enabled"] },
  ]);
  expect((await getFlags(running.url)).status).toBe(200);
  running.write(later);
  expect(await running.saidBeyond(2)).toMatchObject([{ level: "info" }]);
  expect(await running.hangup()).toMatchObject([{ message: expect.stringContaining("nothing changes") }]);
}, 60_000);

it.concurrent("remarks on a file are made once, and again once they were mended", async () => {
  await using running = await startReloading();
  const remarks = () => running.records().filter(({ message }) => message.startsWith("unknown setting"));
  const misspelt = { alow_origins: "*" };
  await running.hangup(misspelt);
  expect(remarks()).toMatchObject([{ level: "warn", setting: "alow_origins" }]);
  await running.hangup({ ...misspelt, ...shortIdentifiers });
  expect(remarks()).toHaveLength(1);
  await running.hangup({});
  await running.hangup(misspelt);
  expect(remarks()).toHaveLength(2);
});

it.concurrent("variables go on to override the file", async () => {
  await using running = await startReloading({ environment: { ALLOW_ORIGINS: "https://variable.test" } });
  running.write({ allow_origins: ["https://file.test"] });
  expect(await running.saidBeyond(0)).toMatchObject([
    { message: expect.stringContaining("nothing changes") },
  ]);
  const headers = { "x-environment-key": clientKey, origin: "https://variable.test" };
  const answer = await fetch(`${running.url}/api/v1/flags/`, { headers });
  expect(answer.headers.get("access-control-allow-origin")).toBe("https://variable.test");
});

it.concurrent("with config_watch false only SIGHUP has the file read, until it is true again", async () => {
  await using running = await startReloading({ config: { config_watch: false } });
  running.write({ config_watch: false, ...shortIdentifiers });
  await pass();
  expect(running.said()).toEqual([]);
  expect(await running.hangup({ ...shortIdentifiers })).toMatchObject([
    { settings: ["config_watch", "limits.identifier_characters_max"] },
  ]);
  running.write({});
  expect(await running.saidBeyond(1)).toMatchObject([{ settings: ["limits.identifier_characters_max"] }]);
});

it.concurrent.each([1, 2])(
  "with %i workers a secret file counts that changes, comes late or goes",
  async (workers) => {
    await using upstream = await startFaultUpstream();
    upstream.setDocument("ser.first_key_of_two", demoDocumentText);
    upstream.setDocument("ser.second_key_of_two", demoDocumentText);
    const environment_key_pairs = [{ client_side_key: clientKey, server_side_key: reference }];
    const server = { host: "127.0.0.1", port: 0, drain_delay_seconds: 0, workers };
    // It starts without a secret of that name in the file: what is referred to later is watched too.
    const plain = [{ client_side_key: clientKey, server_side_key: "ser.first_key_of_two" }];
    await using proxy = startProxyProcess({
      config: configFor(upstream, { environment_key_pairs: plain, server }),
    });
    const url = await proxy.url();
    const opens = async (key: string) => (await getFlags(url, key)).status === 200;
    await eventually(() => opens("ser.first_key_of_two"), 20_000);

    const config = JSON.stringify(configFor(upstream, { environment_key_pairs, server }));
    replaceFile(proxy.folder, config);
    await eventually(() => /refers to key, which is no such file/.test(proxy.stdout()));
    expect(await opens("ser.first_key_of_two")).toBe(true);
    writeFileSync(join(proxy.folder, "key"), "ser.first_key_of_two\n");
    await eventually(() => /nothing changes/.test(proxy.stdout()));
    replaceFile(proxy.folder, "ser.second_key_of_two\n", "key");
    await eventually(() => opens("ser.second_key_of_two"));
    await eventually(async () => !(await opens("ser.first_key_of_two")));
    rmSync(join(proxy.folder, "key"));
    await eventually(() => proxy.stdout().match(/which is no such file/g)?.length === 2);
    expect(await opens("ser.second_key_of_two")).toBe(true);
    expect(proxy.stdout()).not.toMatch(/(first|second)_key_of_two/);
  },
  60_000,
);

it.concurrent("a folder that is swapped as Kubernetes does it counts, secrets and all", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument("ser.first_key_of_two", demoDocumentText);
  upstream.setDocument("ser.second_key_of_two", demoDocumentText);
  const environment_key_pairs = [{ client_side_key: clientKey, server_side_key: reference }];
  // The folder is there long before the program has loaded its modules.
  await using proxy = startProxyProcess({ words: ["serve", "--config", "mounted/config.json"] });
  const mount = join(proxy.folder, "mounted");
  const publish = (name: string, key: string, config: ConfigTree) => {
    mkdirSync(join(mount, name), { recursive: true });
    writeFileSync(join(mount, name, "config.json"), JSON.stringify(configFor(upstream, config)));
    writeFileSync(join(mount, name, "key"), key);
    symlinkSync(name, join(mount, "..data_tmp"));
    renameSync(join(mount, "..data_tmp"), join(mount, "..data"));
  };
  publish("..2024_01", "ser.first_key_of_two", { environment_key_pairs });
  for (const name of ["config.json", "key"]) symlinkSync(`..data/${name}`, join(mount, name));
  const url = await proxy.url();
  await eventually(async () => (await getFlags(url)).status === 200, 20_000);

  // The first look of all, which finds any change, has been.
  await pass();
  publish("..2024_02", "ser.second_key_of_two", { environment_key_pairs, ...shortIdentifiers });
  rmSync(join(mount, "..2024_01"), { recursive: true });
  await eventually(async () => (await getFlags(url, "ser.second_key_of_two")).status === 200);
  expect(await isRefused(url)).toBe(true);
  const lines = proxy
    .stdout()
    .split("\n")
    .filter((line) => line.includes("configuration"));
  expect(lines).toHaveLength(1);
});

it.concurrent("without a file nothing is watched, and SIGHUP is no end", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  const { environment_key_pairs, ...others } = configFor(upstream);
  const variables = { ENVIRONMENT_KEY_PAIRS: JSON.stringify(environment_key_pairs) };
  const sections = Object.entries(others).map(([name, value]) => [
    name.toUpperCase(),
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  await using proxy = startProxyProcess({ environment: { ...variables, ...Object.fromEntries(sections) } });
  const url = await proxy.url();
  await eventually(async () => (await getFlags(url)).status === 200, 20_000);
  writeFileSync(join(proxy.folder, "config.json"), JSON.stringify(shortIdentifiers));
  await pass();
  expect(proxy.stdout()).not.toContain("configuration was read");
  expect(await isRefused(url)).toBe(false);
  proxy.kill("SIGHUP");
  await eventually(() => isRefused(url));
  expect((await getFlags(url)).status).toBe(200);
});
