/**
 * One poller with a scripted upstream, a fake clock and a logger that remembers. It must not decide anything
 * that the poller decides.
 */
import { UpstreamError, type UpstreamErrorCode } from "../../src/models/errors.ts";
import type { PollSettings } from "../../src/models/settings.ts";
import {
  EnvironmentPoller,
  type PublishOutcome,
} from "../../src/services/environments/environment-poller.ts";
import {
  createRefreshLimiter,
  type RefreshLimiter,
} from "../../src/services/environments/refresh-limiter.ts";
import type {
  DocumentRequest,
  FetchedDocument,
  UpstreamAnswer,
} from "../../src/services/upstream/upstream-client.ts";
import { FakeClock } from "./fake-clock.ts";

export interface LogLine {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** How the upstream answers from now on. */
export type Script = (request: DocumentRequest) => Promise<UpstreamAnswer> | UpstreamAnswer;

export interface PollerRig extends AsyncDisposable {
  readonly poller: EnvironmentPoller;
  readonly clock: FakeClock;
  readonly requests: DocumentRequest[];
  /** All that was to be read and published. */
  readonly published: FetchedDocument[];
  readonly logs: LogLine[];
  /** How often it said that what is served is the upstream's. */
  confirmations: number;
  /** Each may be replaced at any time. */
  upstream: Script;
  publish: (document: FetchedDocument, signal: AbortSignal) => Promise<PublishOutcome>;
  settings: Partial<PollSettings>;
}

export interface PollerRigOptions {
  readonly settings?: Partial<PollSettings>;
  readonly random?: () => number;
  readonly clock?: FakeClock;
  readonly limiter?: RefreshLimiter;
  readonly serverKey?: () => string;
}

export const lastModified = "Thu, 18 Apr 2024 09:36:20 GMT";
export const notModified: UpstreamAnswer = { kind: "not-modified" };

export function documentOf(text: string, changes: Partial<FetchedDocument> = {}): FetchedDocument {
  const pages = [[new Uint8Array(Buffer.from(text))]];
  return { kind: "document", pages, digest: `of ${text}`, lastModified, recentlyChanged: false, ...changes };
}

/** A script that fails so. */
export function failing(code: UpstreamErrorCode, retryAfterMs: number | null = null): Script {
  return () => {
    throw new UpstreamError(code, `planned ${code}`, { retryAfterMs });
  };
}

/** A script that honours the condition, as the real API does. */
export function serving(document: FetchedDocument): Script {
  return ({ ifModifiedSince }) => (ifModifiedSince === document.lastModified ? notModified : document);
}

/** 10 s polls without jitter; 100 ms to 1 s while there is no document. */
export function startRig(options: PollerRigOptions = {}): PollerRig {
  const clock = options.clock ?? new FakeClock();
  const logs: LogLine[] = [];
  const log = (level: LogLine["level"]) => (fields: LogLine["fields"], message: string) => {
    logs.push({ level, fields, message });
  };
  const rig: Omit<PollerRig, "poller" | typeof Symbol.asyncDispose> = {
    clock,
    logs,
    requests: [],
    published: [],
    confirmations: 0,
    upstream: serving(documentOf("{}")),
    publish: async () => ({ updatedAt: null }),
    settings: options.settings ?? {},
  };
  const poller = new EnvironmentPoller({
    label: () => "ser.…1234",
    serverKey: options.serverKey ?? (() => "ser.secret1234"),
    upstream: {
      fetchDocument: async (request) => {
        rig.requests.push(request);
        return await rig.upstream(request);
      },
    },
    publish: async (document, signal) => {
      rig.published.push(document);
      return await rig.publish(document, signal);
    },
    onConfirmed: () => {
      rig.confirmations += 1;
    },
    limiter: options.limiter ?? createRefreshLimiter(4),
    clock,
    random: options.random ?? (() => 0),
    logger: { error: log("error"), warn: log("warn"), info: log("info"), debug: log("debug") },
    settings: () => ({
      intervalMs: 10_000,
      jitterRatio: 0.1,
      concurrencyMax: 4,
      unconditionalEveryPolls: 1000,
      retryMinMs: 100,
      retryMaxMs: 1000,
      ...rig.settings,
    }),
  });
  // A test that replaces the script at once, before it awaits anything, has replaced it for the first refresh
  // too.
  queueMicrotask(() => poller.start());
  return Object.assign(rig, { poller, [Symbol.asyncDispose]: () => poller[Symbol.asyncDispose]() });
}
