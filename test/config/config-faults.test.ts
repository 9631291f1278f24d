/** Bad configurations, each with the exact sentence the operator reads. */
import { expect, test } from "vitest";
import { faultsOf, pair } from "./config-folder.ts";

const keyRemedy = "Copy the key from the environment's settings; it is one line of plain ASCII.";
const urlRemedy = "Set the base URL of the API, such as https://edge.api.flagsmith.com/api/v1.";
const hostRemedy = "Set an address to listen on, such as 0.0.0.0 or ::, without scheme, brackets and port.";
const portRemedy = "Set a whole number from 0 to 65535, or remove the setting to get 8000.";
const fileRemedy = "Correct the file at that place.";
const originsRemedy = "Set it to a JSON list, or unset it if it is not meant for this program.";
const sectionRemedy = "Set it to a JSON object, or unset it if it is not meant for this program.";

const files: readonly (readonly [string, string])[] = [
  ["", `CONFIG: not valid JSON: the text ends too early at line 1, column 1. ${fileRemedy}`],
  ["{", `CONFIG: not valid JSON: the text ends too early at line 1, column 2. ${fileRemedy}`],
  [
    '{\n  "api_url": "https://a.example",\n}',
    `CONFIG: not valid JSON: a comma too many before the closing bracket at line 3, column 1. ${fileRemedy}`,
  ],
  [
    '{\n  // ours\n  "api_url": "x"}',
    `CONFIG: not valid JSON: a comment, which JSON does not have, at line 2, column 3. ${fileRemedy}`,
  ],
  [
    "{'api_url': 'x'}",
    `CONFIG: not valid JSON: single quotes, where JSON has double quotes, at line 1, column 2. ${fileRemedy}`,
  ],
  ['{"a": 1 "b": 2}', `CONFIG: not valid JSON: a missing comma at line 1, column 9. ${fileRemedy}`],
  ['{"a": ser.secret}', `CONFIG: not valid JSON: an unexpected character at line 1, column 7. ${fileRemedy}`],
  ["[]", "CONFIG: expected a JSON object, found a list. Put all settings into one pair of braces."],
  ["null", "CONFIG: expected a JSON object, found null. Put all settings into one pair of braces."],
];

test.each(files)("the file %j is refused as a whole", (text, message) => {
  expect(faultsOf(text)).toEqual([message]);
});

const settings: readonly (readonly [Record<string, unknown>, string])[] = [
  [
    { environment_key_pairs: { ...pair } },
    "environment_key_pairs: expected a list. Set a list, or remove the setting.",
  ],
  [
    { environment_key_pairs: ["ser.aaaaaaaaaaaaaaaa"] },
    "environment_key_pairs[0]: expected an object. Set an object, or remove the setting.",
  ],
  [
    { environment_key_pairs: [{ client_side_key: "c" }] },
    "environment_key_pairs[0].server_side_key: expected a key that starts with ser., found " +
      `nothing. ${keyRemedy}`,
  ],
  [
    { environment_key_pairs: [{ ...pair, server_side_key: "abuser.key" }] },
    "environment_key_pairs[0].server_side_key: expected a key that starts with ser., " +
      `found text of another form. ${keyRemedy}`,
  ],
  [
    { environment_key_pairs: [{ ...pair, client_side_key: "  " }] },
    `environment_key_pairs[0].client_side_key: expected a client key, found empty text. ${keyRemedy}`,
  ],
  [
    { environment_key_pairs: [{ ...pair, client_side_key: 123456 }] },
    `environment_key_pairs[0].client_side_key: expected a client key, found a number. ${keyRemedy}`,
  ],
  [
    { environment_key_pairs: [{ ...pair, client_side_key: "a\nb" }] },
    "environment_key_pairs[0].client_side_key: expected a client key, found text of another " +
      `form. ${keyRemedy}`,
  ],
  [
    { environment_key_pairs: [pair, { ...pair, client_side_key: "other" }] },
    "environment_key_pairs[1].server_side_key: it is the same key as " +
      "environment_key_pairs[0].server_side_key. " +
      "Give each environment its own keys, and list it once.",
  ],
  [
    { environment_key_pairs: [{ server_side_key: "ser.same", client_side_key: " ser.same " }] },
    "environment_key_pairs[0].client_side_key: it is the same key as " +
      "environment_key_pairs[0].server_side_key. " +
      "Give each environment its own keys, and list it once.",
  ],
  [{ api_url: 5 }, `api_url: expected a URL, found a number. ${urlRemedy}`],
  [{ api_url: null }, `api_url: expected a URL, found null. ${urlRemedy}`],
  [{ api_url: "edge.example/api" }, `api_url: expected an http:// or https:// URL. ${urlRemedy}`],
  [{ api_url: "ftp://edge.example" }, `api_url: expected an http:// or https:// URL. ${urlRemedy}`],
  [{ api_url: "https://me:pw@edge.example" }, `api_url: the URL holds credentials. ${urlRemedy}`],
  [{ api_url: "https://edge.example/?a=1" }, `api_url: the URL holds a query or a fragment. ${urlRemedy}`],
  [
    { api_poll_frequency: 0 },
    "api_poll_frequency_seconds: expected a number from 0.1 to 1000000, found 0. " +
      "Set a number from 0.1 to 1000000, or remove the setting to get 10.",
  ],
  [
    { api_poll_frequency_seconds: 1e-300 },
    "api_poll_frequency_seconds: expected a number from 0.1 to 1000000, found 1e-300. " +
      "Set a number from 0.1 to 1000000, or remove the setting to get 10.",
  ],
  [
    { polling: { retry_min_seconds: 0.009 } },
    "polling.retry_min_seconds: expected a number from 0.01 to 1000000, found 0.009. " +
      "Set a number from 0.01 to 1000000, or remove the setting to get 0.25.",
  ],
  [
    { api_poll_timeout_seconds: "soon" },
    "api_poll_timeout_seconds: expected a number above 0, up to 1000000, found text that is no number. " +
      "Set a number above 0, up to 1000000, or remove the setting to get 5.",
  ],
  [
    { usage_flush_interval_seconds: 0.5 },
    "usage_flush_interval_seconds: expected a number from 1 to 1000000, found 0.5. " +
      "Set a number from 1 to 1000000, or remove the setting to get 60.",
  ],
  [
    { proxy_key: "" },
    "proxy_key: expected a proxy key, or null, found empty text. Set the key in one line of " +
      "plain ASCII, or null.",
  ],
  [
    { allow_origins: [7] },
    "allow_origins[0]: expected an origin, found a number. Set an origin such as " +
      '"https://app.example.com", or "*".',
  ],
  [{ allow_origins: {} }, "allow_origins: expected a list. Set a list, or remove the setting."],
  [{ endpoint_caches: [] }, "endpoint_caches: expected an object. Set an object, or remove the setting."],
  [
    { endpoint_caches: { identities: { use_cache: "perhaps" } } },
    "endpoint_caches.identities.use_cache: expected true or false, found text. " +
      "Set true or false, or remove the setting to get false.",
  ],
  [{ server: "0.0.0.0:8000" }, "server: expected an object. Set an object, or remove the setting."],
  [
    { server: { port: 70000 } },
    `server.port: expected a whole number from 0 to 65535, found 70000. ${portRemedy}`,
  ],
  [
    { server: { port: 80.5 } },
    `server.port: expected a whole number from 0 to 65535, found 80.5. ${portRemedy}`,
  ],
  [
    { server: { port: true } },
    `server.port: expected a whole number from 0 to 65535, found true. ${portRemedy}`,
  ],
  [
    { server: { host: "http://0.0.0.0" } },
    `server.host: expected an IP address or a host name, found text of another form. ${hostRemedy}`,
  ],
  [
    { server: { headers_timeout_seconds: 30 } },
    "server.headers_timeout_seconds: it is longer than server.request_timeout_seconds. " +
      "Set it to at most server.request_timeout_seconds.",
  ],
  [
    { polling: { retry_min_seconds: 5 } },
    "polling.retry_min_seconds: it is longer than polling.retry_max_seconds. " +
      "Set it to at most polling.retry_max_seconds.",
  ],
  [
    { logging: { log_level: "LOUD" } },
    "logging.log_level: expected one of CRITICAL, ERROR, WARNING, INFO, DEBUG, NOTSET, found another word. " +
      "Set one of these, or remove the setting to get INFO.",
  ],
  [
    { logging: { log_event_field_name: "level" } },
    "logging.log_event_field_name: expected a field name other than level, timestamp and err, " +
      "found text of another form. Set the name that the message has in JSON logs, such as message.",
  ],
  [
    { logging: { override: [] } },
    "logging.override: expected an object. Set an object, or remove the setting.",
  ],
  [
    { health_check: { environment_update_grace_period_seconds: -1 } },
    "health_check.environment_update_grace_period_seconds: expected a number from 0 to 1000000, " +
      "or null, found -1. " +
      "Set a number from 0 to 1000000, or null, or remove the setting to get 30.",
  ],
  [
    { limits: { traits_max: 0 } },
    "limits.traits_max: expected a whole number from 1 to 1000000, found 0. " +
      "Set a whole number from 1 to 1000000, or remove the setting to get 1000.",
  ],
  [
    { upstream: { ca_file: "none.pem" } },
    "upstream.ca_file: it names no such file. Set the path of a PEM file with at least one " +
      "certificate, or null.",
  ],
  [
    { upstream: { ca_file: "config.json" } },
    "upstream.ca_file: it names a file without a PEM certificate. " +
      "Set the path of a PEM file with at least one certificate, or null.",
  ],
];

test.each(settings)("%j is refused", (config, message) => {
  expect(faultsOf({ environment_key_pairs: [pair], ...config })).toEqual([message]);
});

const variables: readonly (readonly [Record<string, string>, string])[] = [
  [
    { SERVER: "9000x" },
    `SERVER: not valid JSON: an unexpected character at line 1, column 5. ${sectionRemedy}`,
  ],
  [{ Limits: "" }, `Limits: not valid JSON: the text ends too early at line 1, column 1. ${sectionRemedy}`],
  [
    { ENVIRONMENT_KEY_PAIRS: "[{]" },
    `ENVIRONMENT_KEY_PAIRS: not valid JSON: a missing value or name at line 1, column 3. ${originsRemedy}`,
  ],
  [
    { ALLOW_ORIGINS: '["*"' },
    `ALLOW_ORIGINS: not valid JSON: the text ends too early at line 1, column 5. ${originsRemedy}`,
  ],
  [
    { SERVER: "9000" },
    "server: expected an object, in the variable SERVER. Set an object, or remove the setting.",
  ],
  [
    { server__port: "x" },
    "server.port: expected a whole number from 0 to 65535, found text that is no number, in the " +
      `variable server__port. ${portRemedy}`,
  ],
  [
    { SERVER: '{"port":-1}' },
    `server.port: expected a whole number from 0 to 65535, found -1, in the variable SERVER. ${portRemedy}`,
  ],
  [
    { https_proxy: "socks5://me:pw@proxy" },
    "https_proxy: expected the http:// or https:// URL of a forward proxy. Set such a URL, or " +
      "unset the variable to connect directly.",
  ],
];

test.each(variables)("the variables %j are refused", (environment, message) => {
  expect(faultsOf({ environment_key_pairs: [pair] }, environment)).toEqual([message]);
});
