/** C3: SIGTERM again and again under many keep-alive clients, and no request is lost (reliability 2.9). */
import { expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { startClients } from "../support/keep-alive-clients.ts";
import {
  clientKey,
  configFor,
  demoDocumentText,
  eventually,
  getFlags,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { scaled } from "./fault-scale.ts";

const clients = scaled(1000, 200);
const repeats = scaled(20, 1);
/** Before each SIGTERM: a million in all. */
const requestsEach = scaled(60, 3);

it.each([1, 2])(
  `SIGTERM ${repeats} times under ${clients} clients drops nothing, %i workers`,
  {
    timeout: repeats * 90_000,
  },
  async (workers) => {
    await using upstream = await startFaultUpstream();
    upstream.setDocument(serverKey, demoDocumentText);
    const server = { workers, drain_delay_seconds: 2, drain_timeout_seconds: 60 };
    let answered = 0;
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      await using proxy = startProxyProcess({ config: configFor(upstream, { server }) });
      const url = await proxy.url();
      await eventually(async () => (await getFlags(url)).status === 200);
      const load = startClients({ port: Number(new URL(url).port), clients, key: clientKey });
      await eventually(() => load.answered > requestsEach * clients, 50_000);
      proxy.kill("SIGTERM");
      await load.endAfterClosings(1);
      expect(load.lost).toEqual([]);
      expect(await proxy.exit).toEqual({ code: 0, signal: null });
      answered += load.answered;
    }
    process.stdout.write(`C3: ${answered} requests answered, 0 lost, by ${workers} workers\n`);
  },
);
