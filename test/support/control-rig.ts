/**
 * One environment from the scripted upstream to its routes: the real poller, guard, reader, publisher, health
 * and archive. Each fetch waits to be answered, so that a test sees every refresh by itself. It decides
 * nothing that they decide.
 */
import { hash } from "node:crypto";
import { createApp } from "../../src/app.ts";
import { prepareCors } from "../../src/cache/cors-headers.ts";
import { SnapshotStore } from "../../src/cache/snapshot-store.ts";
import type { EnvironmentKeys } from "../../src/models/environment-keys.ts";
import type { PollSettings } from "../../src/models/settings.ts";
import type { Clock } from "../../src/services/clock.ts";
import { DocumentReader } from "../../src/services/documents/document-reader.ts";
import { EnvironmentList, keysOfPair } from "../../src/services/environments/environment-list.ts";
import { EnvironmentPollers } from "../../src/services/environments/environment-pollers.ts";
import { createRefreshLimiter } from "../../src/services/environments/refresh-limiter.ts";
import type { RefreshStatus } from "../../src/services/environments/refresh-status.ts";
import { ServedEnvironments } from "../../src/services/environments/served-environments.ts";
import { SnapshotPublisher } from "../../src/services/environments/snapshot-publisher.ts";
import { reportHealth } from "../../src/services/health/health-report.ts";
import { ArchiveWriter } from "../../src/services/persistence/archive-writer.ts";
import { DocumentArchive } from "../../src/services/persistence/document-archive.ts";
import type { DocumentStore } from "../../src/services/persistence/document-store.ts";
import { ClientStreams } from "../../src/services/realtime/client-streams.ts";
import type { Logger } from "../../src/services/service-logger.ts";
import type { DocumentRequest, UpstreamAnswer } from "../../src/services/upstream/upstream-client.ts";
import type { TestApp } from "./contract-requests.ts";
import { twinsIn } from "./memory-store.ts";
import { documentOf } from "./poller-rig.ts";
import { createRecordingLogger, defaultClientStreams, defaultLimits, type LoggedLine } from "./test-app.ts";

/** A fetch that waits for its answer. */
export interface WaitingFetch {
  readonly request: DocumentRequest;
  readonly answer: (answer: UpstreamAnswer) => void;
  readonly fail: (error: Error) => void;
}

export interface ControlRigOptions {
  readonly clock: Clock;
  readonly poll?: Partial<PollSettings>;
  readonly gracePeriodMs?: number | null;
  /** Null: there is no archive. */
  readonly store?: DocumentStore | null;
  readonly pollsAfter?: Promise<void>;
}

export interface ControlRig extends AsyncDisposable {
  readonly app: TestApp;
  readonly lines: readonly LoggedLine[];
  /** Those that were not answered yet; more than one would be two refreshes at once. */
  readonly fetches: WaitingFetch[];
  /** Gives the environment other keys. */
  readonly setKeys: (keys: EnvironmentKeys) => void;
  readonly status: () => RefreshStatus;
  readonly health: () => ReturnType<typeof reportHealth>;
  /** Resolves when the archive has nothing more to write. */
  readonly archived: () => Promise<void>;
}

/** What an archive in a folder is to the control plane, over a store of the test's choice. */
function archiveOver(store: DocumentStore, clock: Clock, logger: Logger) {
  const archive = new DocumentArchive(twinsIn(store));
  const writer = new ArchiveWriter({ archive, clock, logger });
  return {
    find: async (key: string) => (await archive.find(hash("md5", key)).catch(() => null))?.found ?? null,
    keep: (key: string, document: Parameters<typeof writer.keep>[1]) =>
      writer.keep(hash("md5", key), document),
    confirm: (key: string) => writer.confirm(hash("md5", key)),
    forget: (key: string) => writer.forget(hash("md5", key)),
    settled: () => writer.settled(),
  };
}

/** A poll each 10 s without jitter, retries after 100 ms to 1 s while there is no document. */
export const rigPoll: PollSettings = {
  intervalMs: 10_000,
  jitterRatio: 0,
  concurrencyMax: 4,
  unconditionalEveryPolls: 1000,
  retryMinMs: 100,
  retryMaxMs: 1000,
};

function createDataPlane(clock: Clock) {
  const cors = prepareCors(["*"]);
  const snapshots = new SnapshotStore();
  const identityCache = { enabled: true, entriesMax: 100, bytesMax: 1_000_000 };
  const snapshotSettings = () => ({ headerSet: cors.headerSet, identityCache, answerPlaces: 10_000 });
  const publisher = new SnapshotPublisher({ store: snapshots, snapshotSettings, clock });
  const streams = new ClientStreams({ settings: defaultClientStreams, clock, random: () => 0 });
  const environments = new ServedEnvironments(snapshots, publisher, clock, streams);
  return { environments, served: { clock, cors, streams } };
}

const rigPair = { clientSideKey: "clientA", serverSideKey: "ser.A" };

/** Starts to poll at once; the keys are `clientA` and `ser.A`. */
export function startControlRig(options: ControlRigOptions): ControlRig {
  const { clock, poll, gracePeriodMs = null, store = null, pollsAfter } = options;
  const settings = { ...rigPoll, ...poll };
  const { logger, lines } = createRecordingLogger();
  const { environments, served } = createDataPlane(clock);
  const archive = store === null ? null : archiveOver(store, clock, logger);
  const fetches: WaitingFetch[] = [];
  const fetchDocument = async (request: DocumentRequest): Promise<UpstreamAnswer> => {
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamAnswer>();
    request.signal?.addEventListener("abort", () => reject(request.signal?.reason));
    fetches.push({ request, answer: resolve, fail: reject });
    return await promise;
  };
  const pollers = new EnvironmentPollers({
    upstream: { fetchDocument },
    reader: new DocumentReader({ clock, logger }),
    dataPlane: environments,
    poll: settings,
    holdsBackShrunk: true,
    limiter: createRefreshLimiter(settings.concurrencyMax),
    clock,
    logger,
    random: () => 0,
    archive,
  });
  const list = new EnvironmentList(pollers);
  list.configure([keysOfPair(rigPair)]);
  const health = () =>
    reportHealth({
      settings: { gracePeriodMs, policy: "all" },
      pollIntervalMs: settings.intervalMs,
      clock,
      sources: environments.healthSources,
      isServing: () => true,
      isDraining: () => false,
    });
  const app = createApp({
    ...served,
    resolveKey: environments.resolveKey,
    limits: defaultLimits,
    reportHealth: health,
    isAlive: () => true,
    hasTime: () => true,
    randomIdentifier: () => "random",
    logger,
  });
  pollers.start(pollsAfter);
  return {
    app,
    lines,
    fetches,
    setKeys: (keys) => void list.configure([keys]),
    status: () => environments.healthSources()[0]!.refresh,
    health,
    archived: async () => await archive?.settled(),
    [Symbol.asyncDispose]: () => pollers[Symbol.asyncDispose](),
  };
}

/** A fetched document of this text, as the upstream client hands it on. */
export function fetchedOf(text: string, lastModified: string | null = null): UpstreamAnswer {
  return documentOf(text, { digest: hash("sha256", text), lastModified, recentlyChanged: false });
}
