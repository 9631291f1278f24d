/**
 * The proxy of a soak, on one port and one folder for as long as the soak lasts, with an upstream whose
 * document changes each second. Where a fault kills it, it is started again, as a supervisor would.
 */
import { type FaultUpstream, startFaultUpstream } from "../../test/support/fault-upstream.ts";
import type { Child } from "../child-process.ts";
import { type MeasuredServer, type ProxyOptions, startProxy } from "../measured-servers.ts";
import { childrenOf, descriptorsOf, memoryOf, workersOf } from "../process-status.ts";
import { profileDocument, serverKey, standardProfile } from "../profile-document.ts";

const documentEveryMs = 1000;
const changedValue = '"value 0"';
const documentText = profileDocument(standardProfile);

/** @returns the upstream, which has another document each second until it is disposed of */
export async function startChangingUpstream(): Promise<FaultUpstream> {
  const upstream = await startFaultUpstream();
  let version = 0;
  const change = (): void => {
    version += 1;
    upstream.setDocument(serverKey, documentText.replace(changedValue, `"version ${version}"`));
    // It records all of them, and this may go on for hours.
    upstream.forgetRequests();
  };
  change();
  const timer = setInterval(change, documentEveryMs);
  const { [Symbol.asyncDispose]: end } = upstream;
  return Object.assign(upstream, {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await end();
    },
  });
}

export interface ProxyUse {
  readonly rssMib: number;
  readonly descriptors: number;
}

export class SupervisedProxy implements AsyncDisposable {
  readonly #options: ProxyOptions;
  readonly workers: number;
  #server: MeasuredServer;
  #isDownByPlan = false;

  private constructor(options: ProxyOptions, workers: number, server: MeasuredServer) {
    this.#options = { ...options, port: server.port };
    this.workers = workers;
    this.#server = server;
  }

  /** @param storage the folder of its archive */
  static async start(
    { apiUrl, proxy }: Pick<ProxyOptions, "apiUrl" | "proxy">,
    workers: number,
    storage: string,
  ): Promise<SupervisedProxy> {
    const settings = {
      SERVER__WORKERS: String(workers),
      STORAGE__PATH: storage,
      API_POLL_FREQUENCY_SECONDS: "1",
      API_POLL_TIMEOUT_SECONDS: "2",
      POLLING__JITTER_RATIO: "0",
      UPSTREAM__RETRY_AFTER_MAX_SECONDS: "3",
    };
    const options: ProxyOptions = { apiUrl, proxy, core: workers === 1 ? 0 : null, settings };
    return new SupervisedProxy(options, workers, await startProxy(options));
  }

  get port(): number {
    return this.#server.port;
  }

  get process(): Child {
    return this.#server.process;
  }

  /** Whether it is gone although nobody killed it. */
  get hasEnded(): boolean {
    return this.process.hasEnded && !this.#isDownByPlan;
  }

  /** The processes that serve, where it has several. */
  get workerPids(): readonly number[] {
    return workersOf(this.process.pid);
  }

  /** What all its processes use together. */
  get use(): ProxyUse {
    const pids = [this.process.pid, ...childrenOf(this.process.pid)];
    const rssMib = pids.map(rssOf).reduce((sum, mib) => sum + mib, 0);
    return { rssMib, descriptors: pids.map(descriptorsOf).reduce((sum, count) => sum + count, 0) };
  }

  /** Kills all of it and starts it again. Resolves when it is ready. */
  async replace(): Promise<void> {
    this.#isDownByPlan = true;
    await this.process[Symbol.asyncDispose]();
    this.#server = await startProxy(this.#options);
    this.#isDownByPlan = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}

/** 0 for one that ended meanwhile. */
function rssOf(pid: number): number {
  try {
    return memoryOf(pid).rssMib;
  } catch {
    return 0;
  }
}
