/**
 * Turns the file's settings into those of the process: units into names, seconds into milliseconds. Nothing
 * more.
 */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type {
  IdentityCacheSettings,
  RateLimitSettings,
  Settings,
  TlsSettings,
  UpstreamEventsSettings,
  WebhookSettings,
} from "../models/settings.ts";
import type { CertificatePairs } from "./certificate-settings.ts";
import { type ConfigFile, cacheEntriesMax } from "./config-file-schema.ts";
import { eventStreamsUrl } from "./realtime-section.ts";
import type { UpstreamSurroundings } from "./upstream-surroundings.ts";

/** What the file names, or what surrounds it. */
export interface ReadBeside {
  /** What the file alone does not tell of the way to the upstream. */
  readonly surroundings: UpstreamSurroundings;
  readonly pairs: CertificatePairs;
  /** The folder that relative paths start from. */
  readonly directory: string;
}

/**
 * @param file checked, defaults filled in
 * @param beside what was read at the start, or just now
 */
export function toSettings(file: ConfigFile, { surroundings, pairs, directory }: ReadBeside): Settings {
  return {
    environments: file.environment_key_pairs.map((pair) => ({
      serverSideKey: pair.server_side_key,
      clientSideKey: pair.client_side_key,
      file: pair.file === null ? null : resolve(directory, pair.file),
    })),
    isOffline: file.offline,
    upstream: { ...toUpstreamSettings(file), ...surroundings, clientCertificate: pairs.ofClient },
    poll: {
      intervalMs: toMs(file.api_poll_frequency_seconds),
      jitterRatio: file.polling.jitter_ratio,
      concurrencyMax: file.polling.concurrency_max,
      unconditionalEveryPolls: file.polling.unconditional_every_polls,
      retryMinMs: toMs(file.polling.retry_min_seconds),
      retryMaxMs: toMs(file.polling.retry_max_seconds),
    },
    upstreamEvents: toUpstreamEventsSettings(file),
    refreshJitterMs: toMs(file.realtime.refresh_jitter_seconds),
    webhook: toWebhookSettings(file.webhook),
    server: { ...toServerSettings(file), tls: toTlsSettings(file, pairs, directory) },
    admin: file.admin.port === null ? null : { host: file.admin.host, port: file.admin.port },
    limits: {
      bodyBytesMax: file.limits.body_bytes_max,
      identifierCharactersMax: file.limits.identifier_characters_max,
      traitKeyCharactersMax: file.limits.trait_key_characters_max,
      traitValueCharactersMax: file.limits.trait_value_characters_max,
      traitsMax: file.limits.traits_max,
      bulkIdentitiesMax: file.limits.bulk_identities_max,
    },
    identityCache: toIdentityCacheSettings(file),
    allowOrigins: file.allow_origins.includes("*") ? ["*"] : [...new Set(file.allow_origins)],
    logging: {
      accessLog: file.logging.enable_access_log,
      format: file.logging.log_format,
      level: file.logging.log_level,
      messageField: file.logging.log_event_field_name,
      colours: file.logging.colours,
    },
    health: {
      // Offline nothing can be fresher than it is.
      gracePeriodMs: file.offline
        ? null
        : toGracePeriodMs(file.health_check.environment_update_grace_period_seconds),
      policy: file.health_check.policy,
    },
    usage:
      file.proxy_key === null || file.offline
        ? null
        : { flushIntervalMs: toMs(file.usage_flush_interval_seconds) },
    clientStreams: {
      keepAliveMs: toMs(file.realtime.keep_alive_seconds),
      lifetimeMs: toMs(file.realtime.stream_lifetime_seconds),
      streamsMax: file.realtime.streams_max,
      environmentStreamsMax: file.realtime.environment_streams_max,
    },
    storage: file.storage.enabled ? { path: resolve(directory, file.storage.path) } : null,
  };
}

/**
 * At least 1 ms where there is any: a wait of 0 would be a busy loop, and 0 means "never" to Node's servers.
 */
function toMs(seconds: number): number {
  return seconds === 0 ? 0 : Math.max(1, Math.round(seconds * 1000));
}

function toGracePeriodMs(seconds: number | null): number | null {
  return seconds === null ? null : toMs(seconds);
}

function toUpstreamSettings(
  file: ConfigFile,
): Omit<Settings["upstream"], keyof UpstreamSurroundings | "clientCertificate"> {
  const requestTimeoutMs = toMs(file.api_poll_timeout_seconds);
  return {
    apiUrl: file.api_url,
    proxyKey: file.proxy_key,
    requestTimeoutMs,
    // A proxy-py configuration with a timeout of two minutes for one request means it.
    documentTimeoutMs: Math.max(requestTimeoutMs, toMs(file.upstream.document_timeout_seconds)),
    documentBytesMax: file.upstream.document_bytes_max,
    pagesMax: file.upstream.pages_max,
    redirectsMax: file.upstream.redirects_max,
    connectionsMax: file.upstream.connections_max,
    retryAfterMaxMs: toMs(file.upstream.retry_after_max_seconds),
    breakerFailuresMax: file.upstream.breaker_failures_max,
    breakerProbeIntervalMs: toMs(file.upstream.breaker_probe_seconds),
    holdsBackShrunk: file.upstream.shrink_guard,
  };
}

function toUpstreamEventsSettings(file: ConfigFile): UpstreamEventsSettings | null {
  const { realtime } = file;
  const url = eventStreamsUrl(realtime.url, file.api_url);
  if (file.offline || url === null) return null;
  return {
    url,
    pollIntervalMs: toMs(realtime.poll_frequency_seconds),
    catchUpSpreadMs: toMs(realtime.catch_up_spread_seconds),
    silenceMsMax: toMs(realtime.silence_seconds),
    eventBytesMax: realtime.event_bytes_max,
    reconnectMinMs: toMs(realtime.reconnect_min_seconds),
    reconnectMaxMs: toMs(realtime.reconnect_max_seconds),
  };
}

function toWebhookSettings({
  path_secret: pathSecret,
  signing_secret: signingSecret,
  body_bytes_max: bodyBytesMax,
}: ConfigFile["webhook"]): WebhookSettings | null {
  // NOTE: the schema has made sure that there are both or none.
  return pathSecret === null || signingSecret === null ? null : { pathSecret, signingSecret, bodyBytesMax };
}

function toTlsSettings(file: ConfigFile, pairs: CertificatePairs, directory: string): TlsSettings | null {
  const { tls } = file.server;
  if (tls === null || pairs.ofServer === null) return null;
  return {
    certificateFile: resolve(directory, tls.certificate_file),
    keyFile: resolve(directory, tls.key_file),
    minimumVersion: tls.minimum_version,
    pair: pairs.ofServer,
  };
}

function toServerSettings(file: ConfigFile): Omit<Settings["server"], "tls"> {
  return {
    host: file.server.host,
    port: file.server.port,
    keepAliveTimeoutMs: toMs(file.server.timeout_keep_alive),
    headersTimeoutMs: toMs(file.server.headers_timeout_seconds),
    requestTimeoutMs: toMs(file.server.request_timeout_seconds),
    writeTimeoutMs: toMs(file.server.write_timeout_seconds),
    headerBytesMax: file.server.header_bytes_max,
    connectionsMax: file.server.connections_max,
    backlog: file.server.backlog,
    // NOTE: it knows the CPU limit of a container (cgroups), not the machine's cores alone.
    workers: file.server.workers === "auto" ? availableParallelism() : file.server.workers,
    drainDelayMs: toMs(file.server.drain_delay_seconds),
    drainTimeoutMs: toMs(file.server.drain_timeout_seconds),
    turnBudgetMs: file.limits.turn_budget_ms,
    proxyHeaders: file.server.proxy_headers,
    allowClients: file.server.allow_clients,
    rateLimit: toRateLimitSettings(file.server.rate_limit),
  };
}

function toRateLimitSettings(section: ConfigFile["server"]["rate_limit"]): RateLimitSettings | null {
  if (section === null) return null;
  return { requestsPerSecond: section.requests_per_second, burst: section.burst };
}

/**
 * proxy-py's `endpoint_caches.identities`, where given, decides; a size of 0 is a cache that holds nothing.
 */
function toIdentityCacheSettings(file: ConfigFile): IdentityCacheSettings {
  const bytesMax = file.identity_cache.bytes_max;
  const identities = file.endpoint_caches?.identities ?? null;
  if (identities === null) {
    return { enabled: file.identity_cache.enabled, entriesMax: file.identity_cache.entries_max, bytesMax };
  }
  if (!identities.use_cache || identities.cache_max_size === 0) {
    return { enabled: false, entriesMax: file.identity_cache.entries_max, bytesMax };
  }
  return { enabled: true, entriesMax: Math.min(identities.cache_max_size, cacheEntriesMax), bytesMax };
}
