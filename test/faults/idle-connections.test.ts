/** A5: thousands of connections on which nothing comes, beside busy ones: no error, and little memory. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { memoryOf } from "../../bench/process-status.ts";
import { startClients } from "../support/keep-alive-clients.ts";
import { RawConnection, requestText } from "../support/raw-client.ts";
import { clientKey, eventually } from "../support/running-proxy.ts";
import { startServing } from "../support/serving-process.ts";
import { scaled } from "./fault-scale.ts";

const idle = scaled(10_000, 500);
const active = scaled(500, 50);
const growthMaxMib = scaled(150, 50);
const patienceMs = 60_000;
/** Opened at a time: the kernel's queue holds a thousand. */
const openedAtOnce = 250;

/** Node raises its limit as far as it may, here and in the proxy. */
const descriptors = Number(
  /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? Number.POSITIVE_INFINITY,
);
const isPossible = descriptors >= idle + active + 500;
if (!isPossible) process.stdout.write(`A5 is left out: ulimit -n is ${descriptors}\n`);

/** As the image has it. */
const shipped = {
  NODE_OPTIONS: "--max-semi-space-size=4",
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "131072",
  MALLOC_TRIM_THRESHOLD_: "131072",
};

const request = requestText("GET /api/v1/flags/", [`X-Environment-Key: ${clientKey}`]);
const askOn = async (connections: readonly RawConnection[]) => {
  const answers = await Promise.all(connections.map((each) => each.send(request).response()));
  return new Set(answers.map(({ status }) => status));
};

it.skipIf(!isPossible)(
  `A5 ${idle} idle connections beside ${active} busy ones cost at most ${growthMaxMib} MiB`,
  { timeout: 4 * patienceMs },
  async () => {
    await using stack = new AsyncDisposableStack();
    const { proxy, port } = stack.use(await startServing({ environment: shipped }));
    const clients = startClients({ port, clients: active, key: clientKey });
    await eventually(() => clients.answered > 20 * active, patienceMs);
    const beforeMib = memoryOf(proxy.pid).rssMib;
    const connections: RawConnection[] = [];
    while (connections.length < idle) {
      const opened = await Promise.all(
        Array.from({ length: openedAtOnce }, () => RawConnection.open(port, patienceMs)),
      );
      connections.push(...opened.map((each) => stack.use(each)));
      expect(await askOn(opened)).toEqual(new Set([200]));
    }
    const { answered } = clients;
    await eventually(() => clients.answered > answered + 20 * active, patienceMs);
    const growthMib = memoryOf(proxy.pid).rssMib - beforeMib;
    expect(await askOn(connections)).toEqual(new Set([200]));
    await clients.endAfterClosings(0);
    expect(clients.lost).toEqual([]);
    expect(growthMib).toBeLessThan(growthMaxMib);
    process.stdout.write(`A5: ${idle} idle connections took ${growthMib.toFixed(0)} MiB\n`);
  },
);
