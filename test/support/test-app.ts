/**
 * The real application without sockets, pollers or files: real snapshots of given documents behind
 * `app.request()`. Tests of the contract use it; only the upstream is absent.
 */
import { type AppDependencies, createApp } from "../../src/app.ts";
import { prepareCors } from "../../src/cache/cors-headers.ts";
import { type SnapshotSlot, SnapshotStore } from "../../src/cache/snapshot-store.ts";
import type {
  ClientStreamSettings,
  IdentityCacheSettings,
  RequestLimits,
} from "../../src/models/settings.ts";
import { type Clock, systemClock } from "../../src/services/clock.ts";
import { keysOfPair } from "../../src/services/environments/environment-list.ts";
import { KeyDirectory } from "../../src/services/environments/key-directory.ts";
import { PublishLog } from "../../src/services/environments/publish-log.ts";
import { SnapshotPublisher } from "../../src/services/environments/snapshot-publisher.ts";
import type { HealthReport } from "../../src/services/health/health-report.ts";
import { ClientStreams } from "../../src/services/realtime/client-streams.ts";
import { takeRows } from "../../src/services/reporting/usage-rows.ts";
import type { Logger } from "../../src/services/service-logger.ts";
import { readText } from "./packed-text.ts";

export interface TestEnvironment {
  readonly clientSideKey: string;
  readonly serverSideKey: string;
  /** The upstream's JSON text, or something to make it of; null: no document yet. */
  readonly document: string | object | null;
  readonly lastModified?: string | null;
}

export interface TestAppOptions {
  readonly environments: readonly TestEnvironment[];
  readonly allowOrigins?: readonly string[];
  /** What was allowed when the snapshots were prepared; the same unless given. */
  readonly preparedFor?: readonly string[];
  readonly limits?: Partial<RequestLimits>;
  readonly identityCache?: Partial<IdentityCacheSettings>;
  readonly clientStreams?: Partial<ClientStreamSettings>;
  /** What routes wait by. */
  readonly clock?: Clock;
  readonly reportHealth?: () => HealthReport;
  readonly hasTime?: () => boolean;
  readonly randomIdentifier?: () => string;
  readonly webhook?: AppDependencies["webhook"];
}

export const defaultLimits: RequestLimits = {
  bodyBytesMax: 262_144,
  identifierCharactersMax: 2000,
  traitKeyCharactersMax: 200,
  traitValueCharactersMax: 2000,
  traitsMax: 1000,
  bulkIdentitiesMax: 100,
};

export const defaultClientStreams: ClientStreamSettings = {
  keepAliveMs: 25_000,
  lifetimeMs: 600_000,
  streamsMax: 20,
  environmentStreamsMax: 10,
};

const okReport: HealthReport = { status: "ok", reason: null, last_successful_update: null, environments: [] };

/** One line of the log, as the code under test wrote it. */
export interface LoggedLine {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps its lines, for tests to look at. */
export function createRecordingLogger(): { readonly logger: Logger; readonly lines: LoggedLine[] } {
  const lines: LoggedLine[] = [];
  return { logger: new RecordingLogger(lines), lines };
}

/** Its methods need their `this`, as those of the real one do. */
class RecordingLogger implements Logger {
  readonly #lines: LoggedLine[];

  constructor(lines: LoggedLine[]) {
    this.#lines = lines;
  }

  error(fields: LoggedLine["fields"], message: string): void {
    this.#lines.push({ level: "error", fields, message });
  }

  warn(fields: LoggedLine["fields"], message: string): void {
    this.#lines.push({ level: "warn", fields, message });
  }

  info(fields: LoggedLine["fields"], message: string): void {
    this.#lines.push({ level: "info", fields, message });
  }

  debug(fields: LoggedLine["fields"], message: string): void {
    this.#lines.push({ level: "debug", fields, message });
  }
}

/** Publishes the documents and returns the application over them. */
export async function createTestApp(options: TestAppOptions) {
  const cors = prepareCors(options.allowOrigins ?? ["*"]);
  const { headerSet } = prepareCors(options.preparedFor ?? options.allowOrigins ?? ["*"]);
  const store = new SnapshotStore();
  const directory = new KeyDirectory(systemClock);
  const { logger, lines } = createRecordingLogger();
  const identityCache = { enabled: true, entriesMax: 100, bytesMax: 1_000_000, ...options.identityCache };
  const publisher = new SnapshotPublisher({
    store,
    snapshotSettings: () => ({ headerSet, identityCache, answerPlaces: 10_000 }),
    clock: systemClock,
  });
  const streams = new ClientStreams({
    settings: { ...defaultClientStreams, ...options.clientStreams },
    clock: systemClock,
    random: () => 0.5,
  });
  const slots = new Map<string, SnapshotSlot>();
  const logs = new Map<string, PublishLog>();
  /** Publishes another document for the environment of this client key. */
  const publish = async (
    clientKey: string,
    document: string | object,
    lastModified: string | null = null,
  ): Promise<void> => {
    const slot = slots.get(clientKey);
    if (slot === undefined) throw new Error(`no environment has the client key ${clientKey}`);
    const text = typeof document === "string" ? document : JSON.stringify(document);
    const input = { packed: await readText(text), lastModified, receivedAt: new Date() };
    const report = await publisher.publish(slot, input);
    streams.announced(slot, report.version);
    logs.get(clientKey)?.published(report, 0);
  };
  for (const environment of options.environments) {
    const slot = store.addSlot();
    directory.set(slot, keysOfPair(environment));
    const { clientSideKey: clientKey } = environment;
    streams.added(slot);
    slots.set(clientKey, slot);
    logs.set(clientKey, new PublishLog({ label: () => clientKey, clientKey, logger }));
    const { document, lastModified } = environment;
    if (document !== null) await publish(clientKey, document, lastModified ?? null);
  }
  const app = createApp({
    resolveKey: directory.resolve,
    cors,
    clock: options.clock ?? systemClock,
    streams,
    limits: { ...defaultLimits, ...options.limits },
    reportHealth: options.reportHealth ?? (() => okReport),
    isAlive: () => true,
    hasTime: options.hasTime ?? (() => true),
    randomIdentifier: options.randomIdentifier ?? (() => crypto.randomUUID().replaceAll("-", "")),
    ...(options.webhook === undefined ? {} : { webhook: options.webhook }),
    logger,
  });
  /** What was answered since it was last asked for, as usage reports it. */
  const takeUsage = () => [...slots].flatMap(([clientKey, { counts }]) => takeRows(clientKey, counts));
  return { app, publish, lines, takeUsage };
}
