// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such strings are the subject here
/** References to secrets, and that no message shows one. */
import { expect, test } from "vitest";
import { faultsOf, load, pair } from "./config-folder.ts";

const escapeHint = "or write $${ where ${ itself is meant.";

test("references read variables and files, also in variables and inside longer texts", () => {
  const config = {
    environment_key_pairs: [
      { server_side_key: "${file:server-key}", client_side_key: "${file:half}${CLIENT_KEY}" },
    ],
    api_url: "https://${file:host}/api/${VERSION}",
    server: { port: "${PORT}" },
    logging: { log_event_field_name: "$${literal}" },
  };
  const environment = {
    CLIENT_KEY: "client",
    VERSION: "v1",
    PORT: "81",
    PROXY_KEY: "${P}",
    P: "${Q}",
  };
  const { settings } = load(config, environment, {
    "server-key": "ser.fromfile\n",
    host: "a.example\r\n",
    half: "half\n",
  });
  expect(settings.environments).toEqual([
    { serverSideKey: "ser.fromfile", clientSideKey: "halfclient", file: null },
  ]);
  expect(settings.upstream).toMatchObject({ apiUrl: "https://a.example/api/v1", proxyKey: "${Q}" });
  expect(settings.server.port).toBe(81);
  expect(settings.logging.messageField).toBe("${literal}");
});

test.each([
  ["${NOT_SET}", `it refers to the variable NOT_SET, which is not set. Set NOT_SET, ${escapeHint}`],
  [
    "${file:none}",
    "it refers to none, which is no such file. " +
      "Correct the path; a relative one starts at the configuration file's folder.",
  ],
  [
    "${NAME",
    `it holds \${ without a variable's name or file:PATH and a closing brace. Correct the ` +
      `reference, ${escapeHint}`,
  ],
  [
    "${a-b}",
    `it holds \${ without a variable's name or file:PATH and a closing brace. Correct the ` +
      `reference, ${escapeHint}`,
  ],
])("the reference %s is a fault at its setting, and the only one", (text, message) => {
  const config = { environment_key_pairs: [{ ...pair, server_side_key: text }] };
  expect(faultsOf(config)).toEqual([`environment_key_pairs[0].server_side_key: ${message}`]);
});

test("a file's reference that a variable overrides is not read", () => {
  expect(load({ proxy_key: "${NOT_SET}" }, { PROXY_KEY: "k" }).settings.upstream.proxyKey).toBe("k");
});

test("no message shows a key or a secret, wherever it was put", () => {
  const secret = "ser.TopSecret0123456789";
  const places: Record<string, unknown>[] = [
    { api_url: secret, proxy_key: `${secret}\n${secret}`, allow_origins: [secret], endpoint_caches: secret },
    {
      api_url: `https://${secret}@a.example`,
      server: { port: secret, host: `${secret}/` },
      health_check: secret,
    },
    { environment_key_pairs: [{ [secret]: secret }, { client_side_key: secret, server_side_key: secret }] },
    { environment_key_pairs: { [secret]: secret }, logging: { log_level: secret, override: secret } },
    { [secret]: 1, server: { [secret]: 1 }, upstream: { ca_file: `/${"x".repeat(300)}${secret}` } },
    {
      api_poll_frequency: "${SECRET}",
      server: { port: "${NUMBER}" },
      identity_cache: { enabled: "${SECRET}" },
    },
  ];
  const environment = {
    SECRET: secret,
    NUMBER: "987654321",
    LIMITS: `{"${secret}": ${secret}}`,
    HTTP_PROXY: `x://u:${secret}@h`,
  };
  for (const config of places) {
    const faults = faultsOf(config, environment);
    expect(faults.length).toBeGreaterThan(1);
    expect(faults.join("\n")).not.toMatch(/TopSecret|987654321/);
  }
  expect(faultsOf(`{"a": ${secret}}`).join("\n")).not.toContain("TopSecret");
  expect(JSON.stringify(load({ [secret]: 1, server: { [secret]: 1 } }).warnings)).not.toContain("TopSecret");
});
