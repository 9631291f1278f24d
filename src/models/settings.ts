/**
 * The settings as the process uses them: validated, with defaults filled in, units in names. `config/` makes
 * them; `server.ts` and the commands hand each module its own narrow slice.
 */

/** A pair of keys that names one environment. */
export interface EnvironmentKeyPair {
  /** The server key (`ser.…`): fetches the document, and has the server view. */
  readonly serverSideKey: string;
  /** The client key: has the client view. */
  readonly clientSideKey: string;
}

/** An environment of the configuration. */
export interface EnvironmentSettings extends EnvironmentKeyPair {
  /** Where its document is while the proxy is offline; absolute. Null: in the archive alone. */
  readonly file: string | null;
}

/** A certificate with its chain, and its private key: PEM texts that belong together. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

/** How the upstream is asked. */
export interface UpstreamSettings {
  /** Without a trailing slash. */
  readonly apiUrl: string;
  readonly proxyKey: string | null;
  /** The limit of one HTTP request (one page), from connect to the last byte. */
  readonly requestTimeoutMs: number;
  /** The limit of one whole document, all pages together. */
  readonly documentTimeoutMs: number;
  /** The limit of one whole document, all pages together, after decompression. */
  readonly documentBytesMax: number;
  readonly pagesMax: number;
  readonly redirectsMax: number;
  readonly connectionsMax: number;
  /** A `Retry-After` is honoured up to this. */
  readonly retryAfterMaxMs: number;
  /** So many failures in a row open the circuit breaker. */
  readonly breakerFailuresMax: number;
  /** While the breaker is open, one request in so long is let through. */
  readonly breakerProbeIntervalMs: number;
  /** Whether a document that lost more than half of its features has to come twice. */
  readonly holdsBackShrunk: boolean;
  /** PEM text of further certificate authorities; null: the system's alone. */
  readonly caCertificates: string | null;
  /** What the proxy shows to an upstream that asks who it is; null: nothing. */
  readonly clientCertificate: CertificatePair | null;
  /** Forward proxies, as `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (or their aliases) name them. */
  readonly httpProxy: string | null;
  readonly httpsProxy: string | null;
  readonly noProxy: string | null;
}

/** When the upstream is asked. */
export interface PollSettings {
  readonly intervalMs: number;
  /** Up to this share of the interval is added to each wait, at random: 0.1 is a tenth. */
  readonly jitterRatio: number;
  /** How many environments may be refreshed at the same time. */
  readonly concurrencyMax: number;
  /** Every so many polls the document is fetched without a condition. */
  readonly unconditionalEveryPolls: number;
  /** First wait before another try while there is no document yet; doubles up to `retryMaxMs`. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

/** The certificate that the proxy listens with. */
export interface TlsSettings {
  /** Absolute; read again when the proxy is told to. */
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly minimumVersion: "TLSv1.2" | "TLSv1.3";
  /** What the files held at the start. */
  readonly pair: CertificatePair;
}

/** Of one client with one key, in each worker. */
export interface RateLimitSettings {
  readonly requestsPerSecond: number;
  /** So many requests may come at once. */
  readonly burst: number;
}

/** How the proxy listens, to whom, and how it ends. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  /** How long a connection without a request stays open. */
  readonly keepAliveTimeoutMs: number;
  /** How long a request's head may take to come, and a whole request. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long a client may take nothing of an answer. */
  readonly writeTimeoutMs: number;
  /** Of a request's whole head. */
  readonly headerBytesMax: number;
  /** Null: no limit but the descriptors of the process. */
  readonly connectionsMax: number | null;
  /** How many connections wait in the kernel to be accepted. */
  readonly backlog: number;
  /** How many processes serve; with more than one, another polls. */
  readonly workers: number;
  /** How long a draining server still accepts, while readiness answers 503. */
  readonly drainDelayMs: number;
  /** How long a draining server waits for requests in flight after it stopped accepting. */
  readonly drainTimeoutMs: number;
  /** How long a turn of the event loop goes on evaluating identities before it refuses more; 0: for ever. */
  readonly turnBudgetMs: number;
  /** Whether `X-Forwarded-For` is believed to begin with the client's address. */
  readonly proxyHeaders: boolean;
  /** Null: plain HTTP. */
  readonly tls: TlsSettings | null;
  /** Networks as `address/bits`; none: every client may ask. */
  readonly allowClients: readonly string[];
  /** Null: none. */
  readonly rateLimit: RateLimitSettings | null;
}

/** Where the admin listener listens. */
export interface AdminSettings {
  readonly host: string;
  readonly port: number;
}

/** What a request may hold (contract A5); characters are code points. */
export interface RequestLimits {
  readonly bodyBytesMax: number;
  readonly identifierCharactersMax: number;
  readonly traitKeyCharactersMax: number;
  readonly traitValueCharactersMax: number;
  readonly traitsMax: number;
  readonly bulkIdentitiesMax: number;
}

/** How many answers to identities requests are kept. */
export interface IdentityCacheSettings {
  readonly enabled: boolean;
  /** Entries in all; each environment and view has an equal share. */
  readonly entriesMax: number;
  /** Bytes (bodies and answers) in all; each environment and view has an equal share. */
  readonly bytesMax: number;
}

/** By the names of Python's logging, as configurations of proxy-py have them. */
export type LogLevel = "CRITICAL" | "ERROR" | "WARNING" | "INFO" | "DEBUG" | "NOTSET";

/** What the log holds, and its form. */
export interface LoggingSettings {
  /** Whether each answered request is a line. */
  readonly accessLog: boolean;
  readonly format: "generic" | "json";
  readonly level: LogLevel;
  /** The name that the message has in JSON. */
  readonly messageField: string;
  readonly colours: boolean;
}

/** When health says that the proxy is well (contract A7). */
export interface HealthSettings {
  /** Null: never stale. */
  readonly gracePeriodMs: number | null;
  /** `all`: ready while every environment is fresh; `any`: while at least one is. */
  readonly policy: "all" | "any";
}

/** How usage is reported (contract B 4.4). */
export interface UsageSettings {
  /** The wait between two reports. */
  readonly flushIntervalMs: number;
}

/** Where documents outlive the process. */
export interface StorageSettings {
  /** The folder that outlives the process; absolute. */
  readonly path: string;
}

/** Client streams: those that clients hold open, in each worker. */
export interface ClientStreamSettings {
  /** How often a stream gets a comment. */
  readonly keepAliveMs: number;
  /** A stream ends by itself after about so long. */
  readonly lifetimeMs: number;
  readonly streamsMax: number;
  /** Of one environment. */
  readonly environmentStreamsMax: number;
}

/** The event streams on which the upstream tells of changes, one for each environment that has them. */
export interface UpstreamEventsSettings {
  /** With a slash at its end. */
  readonly url: string;
  /** The wait between polls while the stream is healthy; one shorter than the usual counts for nothing. */
  readonly pollIntervalMs: number;
  /** The refresh after a stream was established waits up to this, at random. */
  readonly catchUpSpreadMs: number;
  /** A stream without a byte for so long is dead. */
  readonly silenceMsMax: number;
  readonly eventBytesMax: number;
  /** The first wait before another try; doubles up to `reconnectMaxMs`. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

/** How the upstream asks for a refresh. */
export interface WebhookSettings {
  /** The last part of the path; who does not know it finds no route. */
  readonly pathSecret: string;
  /** What bodies are signed with. */
  readonly signingSecret: string;
  readonly bodyBytesMax: number;
}

/** All of them. */
export interface Settings {
  readonly environments: readonly EnvironmentSettings[];
  /** Whether there is no upstream: documents are in files, or in the archive. */
  readonly isOffline: boolean;
  readonly upstream: UpstreamSettings;
  readonly poll: PollSettings;
  /** Null: the upstream's streams are not asked for. */
  readonly upstreamEvents: UpstreamEventsSettings | null;
  /** A refresh that the upstream asked for waits up to this, at random. */
  readonly refreshJitterMs: number;
  /** Null: there is no such route. */
  readonly webhook: WebhookSettings | null;
  readonly server: ServerSettings;
  /** Null: there is no admin listener. */
  readonly admin: AdminSettings | null;
  readonly limits: RequestLimits;
  readonly identityCache: IdentityCacheSettings;
  /** `["*"]`: any origin. */
  readonly allowOrigins: readonly string[];
  readonly logging: LoggingSettings;
  readonly health: HealthSettings;
  /** Null: nothing is reported, as there is no proxy key, or no upstream. */
  readonly usage: UsageSettings | null;
  readonly clientStreams: ClientStreamSettings;
  /** Null: nothing is kept on disk. */
  readonly storage: StorageSettings | null;
}
