/** What configurations that exist today become, and which source wins. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { loadSettings, settingsFrom } from "../../src/config/load-settings.ts";
import { faultsOf, load, makeFolder, pair } from "./config-folder.ts";

const startFolder = process.cwd();
afterEach(() => process.chdir(startFolder));

test("a configuration of proxy-py with every key starts unchanged", () => {
  const { settings, warnings } = load({
    environment_key_pairs: [{ server_side_key: " ser.abc123 ", client_side_key: "def456\n" }],
    api_url: "https://api.flagsmith.com/api/v1/",
    api_poll_frequency: 30,
    api_poll_timeout: "10",
    endpoint_caches: { flags: { use_cache: true, cache_max_size: 512 }, identities: { use_cache: true } },
    allow_origins: ["https://app.example.com"],
    logging: {
      enable_access_log: "on",
      log_format: "json",
      log_level: "DEBUG",
      log_event_field_name: "event",
      colors: 1,
      override: {},
    },
    server: { host: "::", port: "9000", reload: false, proxy_headers: "yes", timeout_keep_alive: 90 },
    health_check: { environment_update_grace_period_seconds: null },
  });
  expect(warnings).toEqual([]);
  expect(settings.environments).toEqual([
    { serverSideKey: "ser.abc123", clientSideKey: "def456", file: null },
  ]);
  expect(settings.upstream).toMatchObject({
    apiUrl: "https://api.flagsmith.com/api/v1",
    requestTimeoutMs: 10_000,
  });
  expect(settings.poll.intervalMs).toBe(30_000);
  expect(settings.identityCache).toMatchObject({ enabled: true, entriesMax: 128 });
  expect(settings.allowOrigins).toEqual(["https://app.example.com"]);
  expect(settings.logging).toEqual({
    accessLog: true,
    format: "json",
    level: "DEBUG",
    messageField: "event",
    colours: true,
  });
  expect(settings.server).toMatchObject({
    host: "::",
    port: 9000,
    proxyHeaders: true,
    keepAliveTimeoutMs: 90_000,
  });
  expect(settings.health).toEqual({ gracePeriodMs: null, policy: "all" });
});

test("a configuration of proxy-rs with every key starts unchanged", () => {
  const { settings, warnings } = load({
    environment_key_pairs: [pair],
    proxy_key: "proxy-key",
    api_url: "https://edge.api.flagsmith.com/api/v1",
    api_poll_frequency_seconds: 60,
    api_poll_timeout_seconds: 5,
    allow_origins: ["*"],
    usage_flush_interval_seconds: 60,
    server: { host: "0.0.0.0", port: 8000 },
    logging: { log_level: "warn", log_format: "generic", use_colors: true },
    health_check: {},
    endpoint_caches: {
      environment_document: { use_cache: true, cache_max_size: 8 },
      flags: null,
      identities: null,
    },
  });
  expect(warnings).toEqual([]);
  expect(settings.upstream.proxyKey).toBe("proxy-key");
  expect(settings.usage).toEqual({ flushIntervalMs: 60_000 });
  expect(load({ environment_key_pairs: [pair] }).settings.usage).toBeNull();
  expect(load({ proxy_key: "proxy-key", offline: true }).settings.usage).toBeNull();
  expect(settings.poll.intervalMs).toBe(60_000);
  expect(settings.logging).toMatchObject({ level: "WARNING", colours: true });
  expect(settings.health.gracePeriodMs).toBe(30_000);
  expect(settings.identityCache).toMatchObject({ enabled: true, entriesMax: 4096 });
});

test("sections that are null, empty or absent get the defaults", () => {
  const none = settingsFrom({ environment_key_pairs: [pair] });
  for (const section of [null, {}]) {
    const names = ["server", "logging", "health_check", "upstream", "polling", "limits", "identity_cache"];
    const raw = Object.fromEntries(names.map((name) => [name, section]));
    expect(settingsFrom({ environment_key_pairs: [pair], endpoint_caches: null, ...raw })).toEqual(none);
  }
  expect(none.server.keepAliveTimeoutMs).toBe(75_000);
  expect(none.poll).toMatchObject({
    intervalMs: 10_000,
    jitterRatio: 0.1,
    retryMinMs: 250,
    retryMaxMs: 1000,
  });
});

test.each([
  [
    { use_cache: true, cache_max_size: 5 },
    { enabled: true, entriesMax: 5 },
  ],
  [{ use_cache: false }, { enabled: false }],
  [{}, { enabled: false }],
  [{ use_cache: true, cache_max_size: 0 }, { enabled: false }],
  [
    { use_cache: true, cache_max_size: 9_000_000 },
    { enabled: true, entriesMax: 1_000_000 },
  ],
  [null, { enabled: true, entriesMax: 7 }],
])("endpoint_caches.identities %j decides over identity_cache", (identities, expected) => {
  const settings = settingsFrom({ endpoint_caches: { identities }, identity_cache: { entries_max: 7 } });
  expect(settings.identityCache).toMatchObject(expected);
});

test.each([
  ["https://a.example, HTTPS://B.example:443", ["https://a.example", "https://b.example"]],
  ["*", ["*"]],
  [["https://a.example", "*"], ["*"]],
  [["http://a.example:8080", "http://a.example:8080"], ["http://a.example:8080"]],
  [
    ["null", "capacitor://localhost"],
    ["null", "capacitor://localhost"],
  ],
  [[], []],
])("allow_origins %j means %j", (origins, expected) => {
  expect(settingsFrom({ allow_origins: origins }).allowOrigins).toEqual(expected);
});

const aliases: readonly (readonly [string, number | boolean, object])[] = [
  ["api_poll_frequency", 3, { poll: { intervalMs: 3000 } }],
  ["api_poll_timeout", 3, { upstream: { requestTimeoutMs: 3000 } }],
  ["logging.colour", true, { logging: { colours: true } }],
  ["logging.colors", true, { logging: { colours: true } }],
  ["logging.color", true, { logging: { colours: true } }],
  ["logging.use_colors", true, { logging: { colours: true } }],
];

test.each(aliases)("the alias %s is understood", (path, value, expected) => {
  const raw = path.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  const { settings, warnings } = load({ environment_key_pairs: [pair], ...(raw as object) });
  expect(settings).toMatchObject(expected);
  expect(warnings).toEqual([]);
});

test("a whole document has at least the time of one request, and no wait is rounded to nothing", () => {
  const section = { breaker_probe_seconds: 0.0001 };
  const { upstream } = settingsFrom({ api_poll_timeout: 120, upstream: section });
  expect(upstream).toMatchObject({ requestTimeoutMs: 120_000, documentTimeoutMs: 120_000 });
  expect(upstream.breakerProbeIntervalMs).toBe(1);
});

test("without a file the variables suffice if they give the environments; a named file is missed", () => {
  const folder = makeFolder({});
  rmSync(join(folder, "config.json"));
  process.chdir(folder);
  const pairs = { environment_key_pairs: JSON.stringify([pair]) };
  expect(loadSettings({ environment: pairs })).toMatchObject({ configPath: null, warnings: [] });
  const missing = (path: string) =>
    `${path}: no configuration file there. Create one with \`flag-edge-proxy render-config > ` +
    `config.json\`, or set CONFIG_PATH.`;
  expect(() => loadSettings({ environment: {} })).toThrow(missing("./config.json"));
  const named = { ...pairs, CONFIG_PATH: "no.json" };
  expect(loadSettings({ environment: named })).toMatchObject({
    configPath: null,
    warnings: [{ path: "no.json", message: "no configuration file there: the variables alone decide" }],
  });
  expect(() => loadSettings({ environment: { CONFIG_PATH: "no.json" } })).toThrow(missing("no.json"));
  expect(() => loadSettings({ configPath: "no.json", environment: pairs })).toThrow(missing("no.json"));
});

test("a directory and a file in another encoding are faults, a byte order mark is none", () => {
  const folder = makeFolder({});
  const path = join(folder, "config.json");
  const remedy = "Make it a readable JSON file, or set CONFIG_PATH to one.";
  const message = `${folder}: a directory, not a file. ${remedy}`;
  expect(() => loadSettings({ configPath: folder, environment: {} })).toThrow(message);
  expect(load(`\uFEFF${JSON.stringify({ server: { port: 1 } })}`).settings.server.port).toBe(1);
  writeFileSync(path, Buffer.from('{"proxy_key": "é"}', "latin1"));
  expect(() => loadSettings({ configPath: path, environment: {} })).toThrow(
    `${path}: not text in UTF-8. ${remedy}`,
  );
});

test("all faults are reported at once, whatever their source", () => {
  const faults = faultsOf(
    {
      environment_key_pairs: [pair, pair],
      api_url: "x",
      server: { port: -1, host: "" },
      upstream: { ca_file: "no" },
      proxy_key: "${",
    },
    { LOGGING: "{", SERVER__BACKLOG: "many" },
  );
  expect(faults.map((each) => each.split(":")[0])).toEqual([
    "LOGGING",
    "proxy_key",
    "api_url",
    "server.host",
    "server.port",
    "server.backlog",
    "environment_key_pairs[1].server_side_key",
    "environment_key_pairs[1].client_side_key",
    "upstream.ca_file",
  ]);
});
