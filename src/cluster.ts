/**
 * How many processes the proxy is: one that does everything, or a control plane and workers that serve. The
 * only file that knows `node:cluster`; it knows nothing of requests and of the upstream.
 */
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { startControlPlane } from "./control-plane.ts";
import type { CertificatePair, Settings } from "./models/settings.ts";
import { createServer } from "./server.ts";
import { systemClock } from "./services/clock.ts";
import type { Logger } from "./services/service-logger.ts";
import { closeUntaken } from "./services/workers/untaken-connections.ts";
import { WorkerPool } from "./services/workers/worker-pool.ts";

/** A proxy that listens. Disposing it drains first: no request in flight is lost. */
export interface RunningProxy extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Rejects when the proxy cannot go on; else never settles. */
  readonly failed: Promise<never>;
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
  const data = workers === 1 ? createServer(settings, logger) : createWorkerPool(settings, logger);
  const url = await data.listen();
  // Disposed of in reverse: requests in flight end first.
  stack.use(startControlPlane(settings, data instanceof WorkerPool ? data : data.dataPlane, logger, version));
  stack.use(data);
  const { environments, upstream } = settings;
  logger.info({ url, workers, environments: environments.length, upstream: upstream.apiUrl }, "Listening");
  const owned = stack.move();
  return {
    url,
    failed: data instanceof WorkerPool ? data.failed : new Promise(() => undefined),
    renewCertificate: (pair) => data.renewCertificate(pair),
    cutDrain: () => data.cutDrain(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function createWorkerPool(settings: Settings, logger: Logger): WorkerPool {
  const file = `./worker.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`;
  cluster.setupPrimary({
    exec: fileURLToPath(new URL(file, import.meta.url)),
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
  return new WorkerPool({ settings, fork, clock: systemClock, logger });
}
