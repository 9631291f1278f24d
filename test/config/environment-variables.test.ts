/** What environment variables change, and which of them. */
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { expect, test } from "vitest";
import { settingsFrom } from "../../src/config/load-settings.ts";
import { faultsOf, load, makeFolder, pair } from "./config-folder.ts";

test.each([
  ["api_poll_frequency_seconds", { API_POLL_FREQUENCY_SECONDS: "7" }],
  ["its alias", { API_POLL_FREQUENCY: "7" }],
  ["its alias in mixed case", { Api_Poll_Frequency: " 7.0 " }],
  ["its own name before the alias", { API_POLL_FREQUENCY_SECONDS: "7", API_POLL_FREQUENCY: "8" }],
])("a variable wins over the file: %s", (_, environment: Record<string, string>) => {
  expect(load({ api_poll_frequency_seconds: 99 }, environment).settings.poll.intervalMs).toBe(7000);
});

test("a section's variable is merged into the file's section, and a nested name wins over it", () => {
  const file = { server: { host: "127.0.0.1", port: 1, backlog: 5 }, logging: { colours: false } };
  const { settings, warnings } = load(file, {
    SERVER: '{"port":9000,"backlog":6}',
    server__port: "9001",
    LOGGING__LOG_LEVEL: "debug",
    LOGGING__COLORS: "true",
    ENDPOINT_CACHES__IDENTITIES__USE_CACHE: "0",
    HEALTH_CHECK__ENVIRONMENT_UPDATE_GRACE_PERIOD_SECONDS: "null",
    ENVIRONMENT_KEY_PAIRS: JSON.stringify([pair]),
    ALLOW_ORIGINS: "https://a.example,https://b.example",
  });
  expect(warnings).toEqual([]);
  expect(settings.server).toMatchObject({ host: "127.0.0.1", port: 9001, backlog: 6 });
  expect(settings.logging).toMatchObject({ level: "DEBUG", colours: true });
  expect(settings.identityCache.enabled).toBe(false);
  expect(settings.health.gracePeriodMs).toBeNull();
  expect(settings.environments).toHaveLength(1);
  expect(settings.allowOrigins).toEqual(["https://a.example", "https://b.example"]);
});

test("variables of others change nothing", () => {
  const others = {
    HOST: "x",
    PORT: "tcp://1",
    SERVER_NAME: "y",
    SERVER_PORT: "tcp://2",
    _: "z",
    LEVEL: "1",
    API: "{",
  };
  const file = { environment_key_pairs: [pair], storage: { path: "/data" } };
  expect(load(file, { ...others, FORWARDED_ALLOW_IPS: "*", WEB_CONCURRENCY: "1" })).toMatchObject({
    settings: settingsFrom(file),
    warnings: [],
  });
});

test("forward proxies come from variables, lower case first, ALL_PROXY last", () => {
  const { upstream } = load(
    {},
    { HTTP_PROXY: "http://upper:1", http_proxy: "lower:2", ALL_PROXY: "http://all:3", NO_PROXY: "a,b" },
  ).settings;
  expect(upstream).toMatchObject({
    httpProxy: "http://lower:2/",
    httpsProxy: "http://all:3/",
    noProxy: "a,b",
  });
});

test("certificate authorities come from ca_file beside the file, else from SSL_CERT_FILE", () => {
  const pem = rootCertificates[0] ?? "";
  const file = { upstream: { ca_file: "ca.pem" } };
  expect(
    load(file, { SSL_CERT_FILE: "/none" }, { "ca.pem": `# ours\n${pem}` }).settings.upstream.caCertificates,
  ).toBe(`${pem}\n`);
  const ambient = join(makeFolder({}, { "ca.pem": pem }), "ca.pem");
  expect(load({}, { SSL_CERT_FILE: ambient }).settings.upstream.caCertificates).toBe(`${pem}\n`);
  const broken = load({}, { SSL_CERT_FILE: "/none" });
  expect(broken.settings.upstream.caCertificates).toBeNull();
  expect(broken.warnings.at(-1)).toEqual({
    path: "SSL_CERT_FILE",
    message: "without effect, as it names no such file",
  });
  const bad = pem.replaceAll("M", "!");
  expect(faultsOf(file, {}, { "ca.pem": bad })[0]).toContain("a certificate that cannot be parsed");
});
