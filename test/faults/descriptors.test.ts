/**
 * C9: a crowd of connections beyond what the processes may open. They turn it away, and neither die nor
 * forget how to accept; polling and archiving go on.
 */
import { spawnSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { descriptorsOf } from "../../bench/process-status.ts";
import type { RawConnection } from "../support/raw-client.ts";
import { clientKey, demoDocumentWith, eventually, serverKey } from "../support/running-proxy.ts";
import {
  askEach,
  askFresh,
  flagsPath,
  flagsRequest,
  linesWith,
  startWorkers,
} from "../support/worker-processes.ts";
import { scaled } from "./fault-scale.ts";

/** So many files a process may open: far fewer than there are clients. */
const descriptors = 120;
const crowd = scaled(2000, 400);
const patienceMs = 60_000;

const within = ["prlimit", `--nofile=${descriptors}`];
const canLimit = spawnSync("prlimit", ["--nofile=120", "true"]).status === 0;
if (!canLimit) process.stdout.write("C9 is left out: prlimit is not there, or may not set a limit\n");

/** Clients that ask, keep their connection, and come again as often as they are turned away. */
class Crowd implements Disposable {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #isGone = false;
  answered = 0;
  turnedAway = 0;

  constructor(port: number, clients: number) {
    this.#port = port;
    for (let each = 0; each < clients; each += 1) this.#come();
  }

  #come(): void {
    if (this.#isGone) return;
    const socket = connect(this.#port, "127.0.0.1").on("error", () => undefined);
    this.#sockets.add(socket);
    socket.on("connect", () => socket.write(flagsRequest(), "latin1"));
    socket.once("data", () => {
      this.answered += 1;
    });
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.turnedAway += 1;
      setTimeout(() => this.#come(), 20);
    });
  }

  [Symbol.dispose](): void {
    this.#isGone = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The value of a flag, on connections that are kept. */
async function valuesOn(connections: readonly RawConnection[]): Promise<string> {
  const answers = await askEach(connections, flagsRequest("banner_text", clientKey));
  const values = answers.map(({ status, body }) => `${status} ${/second|third|fourth/.exec(body)?.[0]}`);
  return [...new Set(values)].join();
}

it.skipIf(!canLimit).each([1, 2])(
  `C9 %i workers with ${descriptors} descriptors each live through ${crowd} connections at once`,
  { timeout: 2 * patienceMs },
  async (workers) => {
    // While it has no descriptor left, a look at the configuration would be told as an error.
    const config = { config_watch: false, server: { workers }, storage: { enabled: true, path: "data" } };
    await using running = await startWorkers({ config, within });
    const { upstream, port, proxy } = running;
    const pids = [proxy.pid, ...running.pids()];
    await using kept = await running.connect(4);
    const show = async (value: string) => {
      upstream.setDocument(serverKey, demoDocumentWith({ banner_text: value }));
      await eventually(async () => (await valuesOn(kept.all)) === `200 ${value}`, patienceMs);
    };
    {
      using rush = new Crowd(port, crowd);
      await eventually(() => rush.turnedAway > 3 * crowd, patienceMs);
      expect(rush.answered).toBeGreaterThan(0);
      await show("second");
      // The connection to the upstream has to be made anew.
      await upstream.refuse();
      await upstream.accept();
      await show("third");
      const { turnedAway } = rush;
      await eventually(() => rush.turnedAway > turnedAway, patienceMs);
    }
    await eventually(() => Math.max(...pids.map(descriptorsOf)) < descriptors / 2);
    // As many as come to each worker, and more than were left when it was full.
    const answers = await askFresh(port, flagsPath, { count: 20 * workers });
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await show("fourth");
    expect(kept.open()).toHaveLength(4);
    expect(proxy.hasEnded).toBe(false);
    expect([proxy.pid, ...running.pids()]).toEqual(pids);
    expect(linesWith(running, '"level":"error"')).toEqual([]);
    expect(linesWith(running, "cannot be archived")).toEqual([]);
  },
);
