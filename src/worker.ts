/**
 * Entry of a worker process: serves what the control plane's process sends over IPC. It reads no
 * configuration and asks no upstream.
 */
import { createLogger } from "./config/logger.ts";
import type { Settings } from "./models/settings.ts";
import { createServer } from "./server.ts";
import { systemClock } from "./services/clock.ts";
import { limitHeapGrowth } from "./services/garbage-collection.ts";
import { ListenError } from "./services/listener/http-listener.ts";
import { endHard, endProcess } from "./services/process-end.ts";
import type { RunningServer } from "./services/running-server.ts";
import type { WorkerOrder, WorkerReport } from "./services/workers/worker-messages.ts";
import { WorkerOrders } from "./services/workers/worker-orders.ts";

process.once("message", ({ settings }: Extract<WorkerOrder, { kind: "start" }>) => serve(settings));
// Ctrl-C reaches all processes of a terminal; the control plane's says what is to be done.
process.on("SIGINT", () => undefined);
// So does the end of a terminal; the control plane's process reads the configuration again.
process.on("SIGHUP", () => undefined);

function serve(settings: Settings): void {
  limitHeapGrowth();
  const log = createLogger(settings.logging);
  const { logger, setLevel } = log;
  const end = (code: number): void => void endProcess(code, log, systemClock);
  // Node's cluster has it exit at once where the control plane is gone; a log that hangs would keep it.
  process.prependOnceListener("disconnect", () => log.isWriting() && endHard());
  const dieOfBug = (error: unknown): void => {
    logger.error({ err: error }, "An error that nobody caught: the worker ends");
    end(1);
  };
  process.on("uncaughtException", dieOfBug);
  process.on("unhandledRejection", dieOfBug);
  const server = createServer(settings, logger, (notice) => report({ kind: "notice", notice }));
  const orders = new WorkerOrders(server.dataPlane, report);
  const reconfigure = (next: Settings): void => {
    setLevel(next.logging.level);
    server.reconfigure(next);
  };
  const drain = (): void =>
    void server[Symbol.asyncDispose]()
      .then(reportsSent)
      .then(() => end(0), dieOfBug);
  process.on("SIGTERM", drain);
  process.on("message", (order: WorkerOrder) => {
    if (order.kind === "listen") void listen(server, order.port);
    else if (order.kind === "drain") drain();
    else if (order.kind === "cut-drain") server.cutDrain();
    else if (order.kind === "certificate") server.renewCertificate(order.pair);
    else if (order.kind === "settings") reconfigure(order.settings);
    else void orders.take(order);
  });
}

function report(message: WorkerReport): void {
  // A control plane that is gone takes its workers with it.
  if (process.connected) process.send?.(message);
}

/** Resolves once all that was reported is on its way: messages keep their order, so this one is the last. */
function reportsSent(): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send === undefined) resolve();
    else process.send({ kind: "pong" } satisfies WorkerReport, undefined, undefined, () => resolve());
  });
}

async function listen(server: RunningServer, port: number): Promise<void> {
  try {
    report({ kind: "listening", url: await server.listen(port) });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    report({ kind: "cannot-listen", message: error.message });
  }
}
