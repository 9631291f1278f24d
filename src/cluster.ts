/**
 * How many processes the proxy is: one that does everything, or a control plane and workers that serve. The
 * only file that knows `node:cluster`; it knows nothing of requests and of the upstream.
 */
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { createControlPlane } from "./control-plane.ts";
import type { CertificatePair, Settings } from "./models/settings.ts";
import { createServer } from "./server.ts";
import { AdminListener } from "./services/admin/admin-listener.ts";
import type { AdminThreadData } from "./services/admin/admin-messages.ts";
import { systemClock } from "./services/clock.ts";
import type { NoticeTaker } from "./services/environments/data-plane-notice.ts";
import type { ListChanges } from "./services/environments/environment-list.ts";
import type { RunningServer } from "./services/running-server.ts";
import type { Logger } from "./services/service-logger.ts";
import { closeUntaken } from "./services/workers/untaken-connections.ts";
import { WorkerPool } from "./services/workers/worker-pool.ts";

/** A proxy that listens. Disposing it drains first: no request in flight is lost. */
export interface RunningProxy extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Rejects when the proxy cannot go on; else never settles. */
  readonly failed: Promise<never>;
  /**
   * These settings count from now on, where they may change (`config/setting-classes.ts`); no connection and
   * no request is lost by it.
   * @returns what has changed with the environments
   */
  reconfigure(settings: Settings): ListChanges;
  /** Connections that are accepted from now on get this certificate, where the settings ask for TLS. */
  renewCertificate(pair: CertificatePair): void;
  /** Makes a running drain end at once. */
  cutDrain(): void;
}

/**
 * Listens, then begins to poll: requests are answered 503 until the first document is there.
 * @param version of this program, for the upstream's logs
 * @throws ListenError where the socket cannot be opened
 */
export async function startProxy(settings: Settings, logger: Logger, version: string): Promise<RunningProxy> {
  const { workers } = settings.server;
  await using stack = new AsyncDisposableStack();
  // What it tells before there is a control plane concerns no environment.
  const notices: { take: NoticeTaker } = { take: () => undefined };
  const takeNotice: NoticeTaker = (notice) => notices.take(notice);
  const create = workers === 1 ? createServer : createWorkerPool;
  const data = create(settings, logger, takeNotice);
  const isPool = data instanceof WorkerPool;
  const admin = settings.admin === null ? null : createAdminListener(settings, data, logger);
  const dataPlane = isPool ? data : data.dataPlane;
  // Disposed of in reverse: requests in flight end first.
  if (admin !== null) stack.use(admin);
  const adminUrl = await admin?.listen();
  const controlPlane = createControlPlane(settings, admin?.watch(dataPlane) ?? dataPlane, logger, version);
  stack.use(controlPlane);
  notices.take = controlPlane.take;
  const url = await data.listen();
  stack.use(data);
  controlPlane.start();
  const { environments, upstream } = settings;
  const seen = { workers, environments: environments.length, upstream: upstream.apiUrl };
  logger.info({ url, ...(adminUrl === undefined ? {} : { adminUrl }), ...seen }, "Listening");
  const owned = stack.move();
  return {
    url,
    failed: isPool ? data.failed : new Promise(() => undefined),
    reconfigure(next) {
      data.reconfigure(next);
      admin?.reconfigure(next);
      return controlPlane.reconfigure(next);
    },
    renewCertificate: (pair) => data.renewCertificate(pair),
    cutDrain: () => {
      data.cutDrain();
      controlPlane.cut();
    },
    async [Symbol.asyncDispose]() {
      admin?.beginDrain();
      await owned.disposeAsync();
    },
  };
}

/** A program of ours, beside this one. */
function programFile(name: "admin" | "worker"): URL {
  return new URL(`./${name}.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
}

function createAdminListener(
  settings: Settings,
  data: RunningServer | WorkerPool,
  logger: Logger,
): AdminListener {
  const workerData: AdminThreadData = { settings };
  const thread = new Worker(programFile("admin"), { workerData });
  const isServing = () => !(data instanceof WorkerPool) || data.isServing;
  return new AdminListener({ thread, isServing, clock: systemClock, logger });
}

function createWorkerPool(settings: Settings, logger: Logger, takeNotice: NoticeTaker): WorkerPool {
  cluster.setupPrimary({
    exec: fileURLToPath(programFile("worker")),
    args: [],
    serialization: "advanced",
  });
  const fork = () => {
    const worker = cluster.fork();
    // It repeats what breaks its channel: unheard, that would end this process. `exit` tells of it too.
    worker.on("error", () => undefined);
    closeUntaken(worker.process);
    return worker.process;
  };
  return new WorkerPool({ settings, fork, takeNotice, clock: systemClock, logger });
}
