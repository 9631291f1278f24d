/** Configurations that start, with a remark. */
import { expect, test } from "vitest";
import { load, pair } from "./config-folder.ts";

const cases: readonly (readonly [unknown, string, string])[] = [
  [{ api_urll: 1 }, "api_urll", 'unknown setting, without effect; did you mean "api_url"?'],
  [{ Server: {} }, "Server", 'unknown setting, without effect; did you mean "server"?'],
  [{ port: 80 }, "port", 'unknown setting, without effect; did you mean "server.port"?'],
  [{ sentry: {} }, "sentry", "unknown setting, without effect"],
  [
    { logging: { logLevel: "INFO" } },
    "logging.logLevel",
    'unknown setting, without effect; did you mean "logging.log_level"?',
  ],
  [
    { endpoint_caches: { identities: { use_caches: true } } },
    "endpoint_caches.identities.use_caches",
    'unknown setting, without effect; did you mean "endpoint_caches.identities.use_cache"?',
  ],
  [
    { environment_key_pairs: [{ ...pair, clientSideKeys: "x" }] },
    "environment_key_pairs[0].clientSideKeys",
    'unknown setting, without effect; did you mean "environment_key_pairs[].client_side_key"?',
  ],
  [
    { environment_key_pairs: [{ ...pair, "ser.verysecretkey1234": "x" }] },
    "environment_key_pairs[0].ser.…1234",
    "unknown setting, without effect",
  ],
  [
    { api_poll_timeout: 1, api_poll_timeout_seconds: 2 },
    "api_poll_timeout",
    "without effect, as api_poll_timeout_seconds is given too",
  ],
  [JSON.parse('{"__proto__": {"port": 1}}'), "__proto__", "unknown setting, without effect"],
  [
    { environment_key_pairs: [] },
    "environment_key_pairs",
    "NO ENVIRONMENT IS CONFIGURED: every request will be answered 401",
  ],
  [
    { environment_key_pairs: [{ ...pair, client_side_key: "ser.other" }] },
    "environment_key_pairs[0].client_side_key",
    "it starts with ser., as server keys alone do",
  ],
  [
    { proxy_key: "k", offline: true },
    "proxy_key",
    "no environment is discovered while offline is true: those of the pairs and of the archive are served",
  ],
  [
    { logging: { override: { formatters: { default: { format: "$".concat("{message}") } } } } },
    "logging.override",
    "without effect: fragments of Python's logging are not understood",
  ],
  [{ server: { reload: true } }, "server.reload", "without effect: restart the process to load new code"],
  [
    { endpoint_caches: { identities: { use_cache: true, cache_max_size: 2_000_000 } } },
    "endpoint_caches.identities.cache_max_size",
    "counts as 1000000, the most there can be",
  ],
];

test.each(cases)("%j starts with a warning", (config, path, message) => {
  const loaded = load({ environment_key_pairs: [pair], ...(config as object) });
  expect(loaded.warnings).toEqual([{ path, message }]);
});

const variables: readonly (readonly [Record<string, string>, string, string])[] = [
  [
    { SERVER__PROT: "1" },
    "server.prot",
    'unknown setting, without effect; did you mean "server.port"? (SERVER__PROT)',
  ],
  [
    { SERVER_PROXY_HEADERS: "true" },
    "SERVER_PROXY_HEADERS",
    'unknown variable, without effect; did you mean "SERVER__PROXY_HEADERS"?',
  ],
];

test.each(variables)("the variables %j start with a warning", (environment, path, message) => {
  expect(load({ environment_key_pairs: [pair] }, environment).warnings).toEqual([{ path, message }]);
});

test("an origin that no browser sends is taken as it is, with a warning; a slash at its end is cut", () => {
  const origins = ["https://A.example/", "https://*.example.com", "https://b.example/x", "c.example"];
  const { settings, warnings } = load({ environment_key_pairs: [pair], allow_origins: origins });
  expect(settings.allowOrigins).toEqual(["https://a.example", ...origins.slice(1)]);
  const paths = warnings.map(({ path }) => path);
  expect(paths).toEqual(["allow_origins[1]", "allow_origins[2]", "allow_origins[3]"]);
});

test("unknown settings are named beside faults: one may be the cause of the other", () => {
  const faulty = { environment_key_pairs: [pair], api_url: "x", api_urll: "https://api.example" };
  expect(() => load(faulty)).toThrow(/^api_url: .*\nwarning: api_urll: unknown setting.*"api_url"\?$/);
});
