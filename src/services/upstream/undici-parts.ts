/**
 * The parts of undici that a client of one origin uses. Its index would load mocks, caches, cookies, fetch
 * and WebSocket too: a twentieth of the start, and 3 MiB. Nothing else may import undici's code.
 */
import type { Dispatcher as DispatcherType } from "undici";
import api from "undici/lib/api/index.js";
import buildConnector from "undici/lib/core/connect.js";
import errors from "undici/lib/core/errors.js";
import Agent from "undici/lib/dispatcher/agent.js";
import Dispatcher from "undici/lib/dispatcher/dispatcher.js";
import EnvHttpProxyAgent from "undici/lib/dispatcher/env-http-proxy-agent.js";
import Pool from "undici/lib/dispatcher/pool.js";

// As undici's index does. Its forward proxies call `connect`, and we `request`.
Object.assign(Dispatcher.prototype, api);

export { Agent, buildConnector, EnvHttpProxyAgent, errors, Pool };

/** An answer whose body is still to be read, dumped or destroyed. */
export type Answer = DispatcherType.ResponseData;

/**
 * Sends one request, as undici's own `request` does, but for one thing: an abort ends it also before there is
 * a connection. What then comes all the same is thrown away.
 * @throws what undici throws: see `upstream-failures.ts`; the signal's reason
 */
export async function request(
  url: URL,
  dispatcher: DispatcherType,
  options: Pick<DispatcherType.RequestOptions, "method" | "headers" | "body"> & { signal: AbortSignal },
): Promise<Answer> {
  const { signal } = options;
  const path = `${url.pathname}${url.search}`;
  const answer = dispatcher.request({ ...options, origin: url.origin, path });
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([answer, aborted.promise]);
  } catch (error) {
    answer.then(throwAway, () => undefined);
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Closes the connection of an answer, unless it was read to its end. */
export function throwAway({ body }: Answer): void {
  body.on("error", () => undefined).destroy();
}
