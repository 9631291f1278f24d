/** Each setting is live or needs a restart; what is read again changes the live ones alone. */
import { readFileSync } from "node:fs";
import { expect, it, test } from "vitest";
import { type ConfigFile, configFileSchema } from "../../src/config/config-file-schema.ts";
import { type ConfigTree, isTree, settingPaths } from "../../src/config/config-tree.ts";
import { settingChanges, withLiveSettings } from "../../src/config/setting-changes.ts";
import { classifiedPaths, classOf } from "../../src/config/setting-classes.ts";
import { pair } from "./config-folder.ts";

const fileOf = (tree: ConfigTree): ConfigFile => configFileSchema.parse(tree);

const ancestors = (path: string): string[] => {
  const parts = path.replace("[]", "").split(".");
  return parts.map((_, index) => parts.slice(0, index + 1).join("."));
};

test.each(settingPaths())("%s has one class, by itself or by its section", (path) => {
  const isSection = settingPaths().some((other) => other.startsWith(`${path}.`));
  const ways = ancestors(path).filter((each) => classOf(each) !== null);
  if (isSection && ways.length === 0) return;
  expect(ways).toHaveLength(1);
});

test("only settings have a class, and each stands once", () => {
  const paths = settingPaths();
  expect(classifiedPaths.filter((path) => !paths.includes(path))).toEqual([]);
  const source = readFileSync(new URL("../../src/config/setting-classes.ts", import.meta.url), "utf8");
  const words = source.slice(source.indexOf("live: `"), source.indexOf("const classes")).match(/[a-z_.]+/g);
  const counts = Map.groupBy(words ?? [], (word) => word);
  expect(classifiedPaths.filter((path) => counts.get(path)?.length !== 1)).toEqual([]);
});

/** Another valid value of each setting. */
const other: ConfigTree = {
  environment_key_pairs: [{ ...pair, client_side_key: "another" }],
  proxy_key: "proxy",
  offline: true,
  api_url: "https://other.test/api/v1",
  api_poll_frequency_seconds: 11,
  api_poll_timeout_seconds: 6,
  usage_flush_interval_seconds: 61,
  allow_origins: ["https://app.test"],
  config_watch: false,
  endpoint_caches: { identities: { use_cache: true } },
  server: {
    host: "127.0.0.1",
    port: 1,
    reload: true,
    proxy_headers: true,
    timeout_keep_alive: 1,
    headers_timeout_seconds: 1,
    request_timeout_seconds: 2,
    write_timeout_seconds: 1,
    header_bytes_max: 2048,
    connections_max: 1,
    backlog: 1,
    workers: 2,
    drain_delay_seconds: 1,
    drain_timeout_seconds: 1,
    tls: { certificate_file: "a", key_file: "b" },
    allow_clients: ["10.0.0.0/8"],
    rate_limit: { burst: 1 },
  },
  admin: { host: "::1", port: 1 },
  logging: {
    enable_access_log: true,
    log_format: "json",
    log_level: "DEBUG",
    log_event_field_name: "event",
    colours: true,
    override: { version: 1 },
  },
  health_check: { environment_update_grace_period_seconds: null, policy: "any" },
  upstream: {
    document_timeout_seconds: 1,
    document_bytes_max: 2048,
    pages_max: 1,
    redirects_max: 1,
    connections_max: 1,
    retry_after_max_seconds: 1,
    breaker_failures_max: 1,
    breaker_probe_seconds: 2,
    shrink_guard: false,
    ca_file: "a",
    client_certificate_file: "b",
    client_key_file: "c",
  },
  polling: {
    jitter_ratio: 0,
    concurrency_max: 1,
    unconditional_every_polls: 1,
    retry_min_seconds: 2,
    retry_max_seconds: 2,
  },
  limits: {
    body_bytes_max: 2048,
    identifier_characters_max: 1,
    trait_key_characters_max: 1,
    trait_value_characters_max: 1,
    traits_max: 1,
    bulk_identities_max: 1,
    turn_budget_ms: 1,
  },
  identity_cache: { enabled: false, entries_max: 1, bytes_max: 2048 },
  realtime: { url: "https://events.test/" },
  webhook: { path_secret: "p".repeat(32), signing_secret: "s".repeat(32) },
  storage: { enabled: false, path: "elsewhere" },
};

const started = fileOf({ environment_key_pairs: [pair] });
const read = fileOf(other);
const valueAt = (file: ConfigFile, path: string): unknown =>
  path.split(".").reduce<unknown>((at, name) => (isTree(at) ? at[name] : undefined), file);

/** Where one section is null, or was, it is told of as a whole. */
const compared = classifiedPaths
  .map((path) => (path.startsWith("endpoint_caches.") ? "endpoint_caches" : path))
  .filter((path, index, all) => all.indexOf(path) === index);

/** The setting or section that a change lies in. */
const classifiedPathOf = (path: string) =>
  compared.find((each) => path === each || path.startsWith(`${each}.`)) ?? path;

/** Of all changes at once: these wait for the restart that others need. */
const waiting = ["environment_key_pairs", "server.allow_clients", "server.rate_limit"];
const classHere = (path: string) => (waiting.includes(path) ? "restart" : (classOf(path) ?? "restart"));

it.each([
  ["proxy_key", { proxy_key: "proxy" }, ["environment_key_pairs"]],
  ["api_url", { api_url: "https://other.test/api/v1" }, ["environment_key_pairs"]],
  ["offline", { offline: true }, ["environment_key_pairs"]],
  [
    "server.proxy_headers",
    { server: { proxy_headers: true } },
    ["server.allow_clients", "server.rate_limit"],
  ],
])("what makes sense with %s alone waits for the restart that it needs", (path, tree, held) => {
  const after = fileOf({
    environment_key_pairs: [{ ...pair, client_side_key: "another" }],
    ...tree,
    server: { allow_clients: ["10.0.0.0/8"], rate_limit: {}, ...("server" in tree ? tree.server : {}) },
  });
  const classes = new Map(settingChanges(started, after).map((each) => [each.path, each.class]));
  expect(classes.get(path)).toBe("restart");
  const taken = withLiveSettings(started, after);
  for (const each of waiting) {
    const isHeld = held.includes(each);
    expect(classes.get(each), each).toBe(isHeld ? "restart" : "live");
    expect(valueAt(taken, each), each).toEqual(valueAt(isHeld ? started : after, each));
  }
});

it("tells of each setting that has another value, with its class", () => {
  const changes = settingChanges(started, read);
  const settings = changes.map(({ path, class: told }) => ({ path: classifiedPathOf(path), told }));
  expect([...new Set(settings.map(({ path }) => path))].sort()).toEqual([...compared].sort());
  for (const { path, told } of settings) expect(told, path).toBe(classHere(path));
});

it("takes what is live, and leaves all else as it was", () => {
  const taken = withLiveSettings(started, read);
  for (const path of compared) {
    expect(valueAt(taken, path), path).toEqual(valueAt(classHere(path) === "live" ? read : started, path));
  }
  expect(settingChanges(taken, read).map((each) => each.class)).not.toContain("live");
  expect(Object.keys(taken)).toEqual(Object.keys(started));
});

it("finds nothing new in the same settings, however they are written", () => {
  expect(settingChanges(started, fileOf({ environment_key_pairs: [pair], server: {} }))).toEqual([]);
  expect(settingChanges(started, fileOf({ environment_key_pairs: [pair], allow_origins: "*" }))).toEqual([]);
});

it("tells of what changes inside a section that may be null", () => {
  const before = fileOf({ endpoint_caches: { identities: { use_cache: true }, flags: { use_cache: true } } });
  const after = fileOf({ endpoint_caches: { identities: { use_cache: false }, flags: null } });
  expect(settingChanges(before, after).map((each) => [each.path, each.class])).toEqual([
    ["endpoint_caches.flags", "none"],
    ["endpoint_caches.identities.use_cache", "restart"],
  ]);
});

it("names what changes inside a section that is of one class", () => {
  const before = fileOf({ server: { rate_limit: {} } });
  const after = fileOf({
    server: { proxy_headers: true, rate_limit: { burst: 1 } },
    realtime: { keep_alive_seconds: 1, url: "off" },
    webhook: { body_bytes_max: 2048 },
  });
  expect(settingChanges(before, after).map((each) => [each.path, each.class])).toEqual([
    ["server.proxy_headers", "restart"],
    ["server.rate_limit.burst", "restart"],
    ["realtime.url", "restart"],
    ["realtime.keep_alive_seconds", "restart"],
    ["webhook.body_bytes_max", "live"],
  ]);
});
