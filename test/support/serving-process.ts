/**
 * The program in a process of its own that serves the document of a fault upstream. It must not look into the
 * program.
 */
import { type FaultUpstream, startFaultUpstream } from "./fault-upstream.ts";
import {
  type ConfigTree,
  configFor,
  demoDocumentText,
  eventually,
  healthOf,
  type ProxyProcess,
  type ProxyProcessOptions,
  serverKey,
  startProxyProcess,
} from "./running-proxy.ts";

export interface ServingProcess extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  readonly upstream: FaultUpstream;
  readonly url: string;
  readonly port: number;
}

export interface ServingOptions extends Pick<ProxyProcessOptions, "environment"> {
  /** Laid over the configuration for tests. */
  readonly config?: ConfigTree;
  /** The demo document unless given. */
  readonly document?: string;
}

/** The document may be large, and the machine busy. */
const startMsMax = 25_000;

/** Starts it; resolves when all its workers serve the document: health tells, one's answer does not. */
export async function startServing(options: ServingOptions = {}): Promise<ServingProcess> {
  const { config, document = demoDocumentText, environment = {} } = options;
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startFaultUpstream());
  upstream.setDocument(serverKey, document);
  const proxy = stack.use(startProxyProcess({ config: configFor(upstream, config), environment }));
  const url = await proxy.url();
  const isServed = async () => (await healthOf(url)).environments.some(({ state }) => state === "fresh");
  await eventually(isServed, startMsMax);
  const port = Number(new URL(url).port);
  const owned = stack.move();
  return { proxy, upstream, url, port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
