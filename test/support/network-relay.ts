/**
 * A network between the proxy and its upstream, as a process of its own: it can be slow, and it can stop
 * accepting. It must not look at what it carries.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RelayNetwork } from "./relay-program.ts";

export interface NetworkRelay extends AsyncDisposable {
  /** Where it is found. */
  readonly apiUrl: string;
  become(network: RelayNetwork): void;
  /** Nothing moves, and after a connection or two none is made: they hang, as at a host that is frozen. */
  freeze(): void;
  thaw(): void;
}

/** @param origin of the upstream behind it */
export async function startNetworkRelay(origin: string): Promise<NetworkRelay> {
  const program = fileURLToPath(new URL("relay-program.ts", import.meta.url));
  const child = fork(program, [new URL(origin).port]);
  const exit = once(child, "exit");
  const [port] = (await once(child, "message")) as [number];
  return {
    apiUrl: `http://127.0.0.1:${port}/api/v1`,
    become: (network) => void child.send(network),
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}
