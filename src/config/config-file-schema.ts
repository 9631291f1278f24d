/**
 * Every setting of the configuration file: its name, form, limits and default (contract A12, B 3.2, B 4.1).
 * It must not read files or variables, and its output keeps the names of the file.
 */
import { z } from "zod";
import { pathPattern } from "./pem-files.ts";
import { bytes, count, interval, retryWait, seconds, secondsMax } from "./quantities.ts";
import { realtime } from "./realtime-section.ts";
import { admin, server } from "./server-section.ts";
import { boolean, choice, number, readText, readTextOrNull, setting } from "./setting-readers.ts";
import { readApiUrl, readOrigin, splitOrigins } from "./url-readers.ts";
import { webhook } from "./webhook-section.ts";

/** More entries than this serve nobody: the limit in bytes is met long before. */
export const cacheEntriesMax = 1_000_000;

/** Other names of settings, by the path of the section and the name. The left is accepted for the right. */
export const settingAliases: Readonly<Record<string, string>> = {
  api_poll_frequency: "api_poll_frequency_seconds",
  api_poll_timeout: "api_poll_timeout_seconds",
  "logging.colour": "colours",
  "logging.colors": "colours",
  "logging.color": "colours",
  "logging.use_colors": "colours",
};

// The characters that an HTTP header carries unchanged: a key with others could never be sent or received.
const keyRemedy = "Copy the key from the environment's settings; it is one line of plain ASCII.";

const keyPair = z.object({
  server_side_key: setting(
    readText({ wanted: "a key that starts with ser.", pattern: /^ser\.[\x21-\x7e]+$/, remedy: keyRemedy }),
  ),
  client_side_key: setting(
    readText({ wanted: "a client key", pattern: /^[\x20-\x7e]+$/, remedy: keyRemedy }),
  ),
  file: setting(
    readTextOrNull({
      wanted: "the path of an environment document, or null",
      pattern: /./,
      remedy: "Set the path of a file that `flag-edge-proxy export` has written, or null.",
    }),
  ).prefault(null),
});

const endpointCache = z
  .object({
    use_cache: boolean(false),
    cache_max_size: number({ default: 128, min: 0, max: Number.MAX_SAFE_INTEGER, whole: true }),
  })
  .nullable()
  .prefault(null);

const pemFileOrNull = (remedy: string) =>
  setting(
    readTextOrNull({ wanted: "the path of a PEM file, or null", pattern: pathPattern, remedy }),
  ).prefault(null);

const upstream = z.object({
  document_timeout_seconds: seconds(60),
  document_bytes_max: bytes(104_857_600),
  pages_max: count(1000),
  redirects_max: number({ default: 3, min: 0, max: 20, whole: true }),
  connections_max: count(16),
  retry_after_max_seconds: seconds(60),
  breaker_failures_max: count(5),
  breaker_probe_seconds: seconds(1),
  shrink_guard: boolean(true),
  ca_file: pemFileOrNull("Set the path of a file of certificates, or null."),
  client_certificate_file: pemFileOrNull(
    "Set the path of a file with the certificate and its chain, or null.",
  ),
  client_key_file: pemFileOrNull("Set the path of a file with the certificate's private key, or null."),
});

const polling = z
  .object({
    jitter_ratio: number({ default: 0.1, min: 0, max: 1 }),
    concurrency_max: count(16),
    unconditional_every_polls: count(30),
    retry_min_seconds: retryWait(0.25),
    retry_max_seconds: retryWait(1),
  })
  .superRefine((value, context) => {
    if (value.retry_min_seconds <= value.retry_max_seconds) return;
    context.addIssue({
      code: "custom",
      path: ["retry_min_seconds"],
      message: "it is longer than polling.retry_max_seconds",
      params: { remedy: "Set it to at most polling.retry_max_seconds." },
    });
  });

const logging = z.object({
  enable_access_log: boolean(false),
  log_format: choice({ generic: "generic", json: "json" }, "generic"),
  log_level: choice(
    {
      critical: "CRITICAL",
      error: "ERROR",
      warning: "WARNING",
      warn: "WARNING",
      info: "INFO",
      debug: "DEBUG",
      notset: "NOTSET",
      trace: "NOTSET",
    },
    "INFO",
  ),
  log_event_field_name: setting(
    readText({
      wanted: "a field name other than level, timestamp and err",
      pattern: /^(?!(level|timestamp|err)$)./,
      remedy: "Set the name that the message has in JSON logs, such as message.",
    }),
  ).prefault("message"),
  colours: boolean(false),
  override: z.record(z.string(), z.unknown()).prefault({}),
});

/** The configuration file after aliases are resolved and references are expanded. */
export const configFileSchema = z.object({
  environment_key_pairs: z.array(keyPair).prefault([]),
  proxy_key: setting(
    readTextOrNull({
      wanted: "a proxy key, or null",
      pattern: /^[\x21-\x7e]+$/,
      remedy: "Set the key in one line of plain ASCII, or null.",
    }),
  ).prefault(null),
  offline: boolean(false),
  api_url: setting(readApiUrl).prefault("https://edge.api.flagsmith.com/api/v1"),
  api_poll_frequency_seconds: interval(10),
  api_poll_timeout_seconds: seconds(5),
  usage_flush_interval_seconds: number({ default: 60, min: 1, max: secondsMax }),
  allow_origins: z.preprocess(splitOrigins, z.array(setting(readOrigin))).prefault(["*"]),
  config_watch: boolean(true),
  endpoint_caches: z
    .object({ flags: endpointCache, identities: endpointCache, environment_document: endpointCache })
    .nullable()
    .prefault(null),
  server: server.prefault({}),
  admin: admin.prefault({}),
  logging: logging.prefault({}),
  health_check: z
    .object({
      environment_update_grace_period_seconds: number<number | null>(
        { default: 30, min: 0, max: secondsMax },
        true,
      ),
      policy: choice({ all: "all", any: "any" }, "all"),
    })
    .prefault({}),
  upstream: upstream.prefault({}),
  polling: polling.prefault({}),
  realtime: realtime.prefault({}),
  webhook: webhook.prefault({}),
  limits: z
    .object({
      body_bytes_max: bytes(262_144),
      identifier_characters_max: count(2000),
      trait_key_characters_max: count(200),
      trait_value_characters_max: count(2000),
      traits_max: count(1000),
      bulk_identities_max: count(100),
      turn_budget_ms: number({ default: 10, min: 0, max: 10_000 }),
    })
    .prefault({}),
  identity_cache: z
    .object({
      enabled: boolean(true),
      entries_max: number({ default: 4096, min: 1, max: cacheEntriesMax, whole: true }),
      bytes_max: bytes(16_777_216),
    })
    .prefault({}),
  storage: z
    .object({
      enabled: boolean(true),
      path: setting(
        readText({ wanted: "the path of a folder", pattern: /./, remedy: "Set the path of a folder." }),
      ).prefault("./data"),
    })
    .prefault({}),
});

/** The settings with the names of the file, all defaults filled in. */
export type ConfigFile = z.output<typeof configFileSchema>;
