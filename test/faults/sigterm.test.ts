/** C3: SIGTERM again and again under many keep-alive clients, and no request is lost (reliability 2.9). */
import { expect, it } from "vitest";
import { startClients } from "../support/keep-alive-clients.ts";
import { clientKey, eventually } from "../support/running-proxy.ts";
import { startServing } from "../support/serving-process.ts";
import { scaled } from "./fault-scale.ts";

const clients = scaled(1000, 200);
const repeats = scaled(20, 1);
/** Before each SIGTERM: a million in all. */
const requestsEach = scaled(60, 3);

it.each([1, 2])(
  `C3 ${repeats} SIGTERM under ${clients} clients drop nothing, %i workers`,
  {
    timeout: repeats * 90_000,
  },
  async (workers) => {
    const server = { workers, drain_delay_seconds: 2, drain_timeout_seconds: 60 };
    let answered = 0;
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      await using serving = await startServing({ config: { server } });
      const load = startClients({ port: serving.port, clients, key: clientKey });
      await eventually(() => load.answered > requestsEach * clients, 50_000);
      serving.proxy.kill("SIGTERM");
      await load.endAfterClosings(1);
      expect(load.lost).toEqual([]);
      expect(await serving.proxy.exit).toEqual({ code: 0, signal: null });
      answered += load.answered;
    }
    process.stdout.write(`C3: ${answered} requests answered, 0 lost, by ${workers} workers\n`);
  },
);
