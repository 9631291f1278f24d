/**
 * Makes connections to the upstream, and gives them up on time. undici's own limit may come half a second
 * late: the next poll would try beside the one that was given up.
 */
import type { buildConnector as Connectors } from "undici";
import { buildConnector, errors } from "./undici-parts.ts";

/**
 * @param options as undici's, TLS and lookup
 * @param timeoutMs for name, connection and TLS together
 * @returns a connector for a pool; it fails with undici's own ConnectTimeoutError
 */
export function createUpstreamConnector(
  options: Connectors.BuildOptions,
  timeoutMs: number,
): Connectors.connector {
  const connect = buildConnector({ ...options, allowH2: false, timeout: 0 });
  return (target, callback) => {
    const socket = connect(target, (...outcome) => {
      clearTimeout(timer);
      callback(...outcome);
    });
    const giveUp = () => void socket.destroy(new errors.ConnectTimeoutError("not connected in time"));
    const timer = setTimeout(giveUp, timeoutMs).unref();
  };
}
