/**
 * Which settings change while the proxy runs, and which need a restart. It must name every setting of the
 * schema: a test holds the two together.
 */

/**
 * `live`: counts as soon as it is read. `restart`: what the process started with goes on to count. `none`: is
 * without effect anyway.
 */
export type SettingClass = "live" | "restart" | "none";

/** Settings by path; of a section that stands here all settings are of its class. */
const settings: Readonly<Record<SettingClass, string>> = {
  live: `
    config_watch
    environment_key_pairs
    api_poll_frequency_seconds api_poll_timeout_seconds
    allow_origins
    server.allow_clients
    server.rate_limit
    logging.log_level
    health_check.environment_update_grace_period_seconds health_check.policy
    upstream.document_timeout_seconds
    polling.jitter_ratio polling.unconditional_every_polls
    polling.retry_min_seconds polling.retry_max_seconds
    limits.body_bytes_max limits.identifier_characters_max limits.trait_key_characters_max
    limits.trait_value_characters_max limits.traits_max limits.bulk_identities_max limits.turn_budget_ms
    webhook
  `,
  restart: `
    proxy_key offline api_url usage_flush_interval_seconds
    endpoint_caches.identities
    server.host server.port server.proxy_headers server.timeout_keep_alive server.headers_timeout_seconds
    server.request_timeout_seconds server.write_timeout_seconds server.header_bytes_max
    server.connections_max server.backlog server.workers server.drain_delay_seconds
    server.drain_timeout_seconds server.tls
    admin.host admin.port
    logging.enable_access_log logging.log_format logging.log_event_field_name logging.colours
    upstream.document_bytes_max upstream.pages_max upstream.redirects_max
    upstream.connections_max upstream.retry_after_max_seconds upstream.breaker_failures_max
    upstream.breaker_probe_seconds upstream.shrink_guard upstream.ca_file upstream.client_certificate_file
    upstream.client_key_file
    polling.concurrency_max
    realtime
    identity_cache.enabled identity_cache.entries_max identity_cache.bytes_max
    storage.enabled storage.path
  `,
  none: `
    endpoint_caches.flags endpoint_caches.environment_document
    server.reload
    logging.override
  `,
};

const classes: ReadonlyMap<string, SettingClass> = new Map(
  (["live", "restart", "none"] as const).flatMap((each) =>
    settings[each].split(/\s+/).flatMap((path) => (path === "" ? [] : [[path, each] as const])),
  ),
);

/** All paths that have a class by themselves. */
export const classifiedPaths: readonly string[] = [...classes.keys()];

/**
 * @param path as in `settingPaths`
 * @returns null for sections whose settings have classes of their own, and for what is no setting
 */
export function classOf(path: string): SettingClass | null {
  return classes.get(path) ?? null;
}
