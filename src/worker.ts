/**
 * Entry of a worker process: serves what the control plane's process sends over IPC. It reads no
 * configuration and asks no upstream.
 */
import { createLogger } from "./config/logger.ts";
import type { Settings } from "./models/settings.ts";
import { createServer } from "./server.ts";
import { limitHeapGrowth } from "./services/garbage-collection.ts";
import { ListenError } from "./services/listener/http-listener.ts";
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
  const { logger, setLevel, flush } = createLogger(settings.logging);
  const end = (code: number): void => {
    flush();
    process.exit(code);
  };
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
  const drain = (): void => void server[Symbol.asyncDispose]().then(() => end(0), dieOfBug);
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

async function listen(server: RunningServer, port: number): Promise<void> {
  try {
    report({ kind: "listening", url: await server.listen(port) });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    report({ kind: "cannot-listen", message: error.message });
  }
}
