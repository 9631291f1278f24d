/**
 * What it costs a bare server to refuse a request: it reads it, answers 503 and does nothing else, so that
 * its caches are its own. No server on Node refuses for less.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, startBareServer } from "./measured-servers.ts";
import { OpenLoop } from "./open-loop.ts";
import type { OpenLoopOrder } from "./open-loop-load.ts";

/** In size like that of the proxy. */
const refusal: Answer = {
  status: 503,
  headers: { "content-type": "application/json", "content-length": "87", "retry-after": "1" },
  body: Buffer.alloc(87, " "),
};
const measuredMs = 4000;

/** @param load what another server was refusing @returns microseconds of CPU for each of its requests */
export async function measureBareRefusal(load: OpenLoopOrder): Promise<number> {
  const { port, process: server } = await startBareServer(refusal);
  await using _ = server;
  await using clients = new OpenLoop({ ...load, port }, 1);
  await clients.underWay();
  const startUs = await server.cpuUs();
  await sleep(measuredMs);
  const usedUs = (await server.cpuUs()) - startUs;
  return usedUs / (load.perSecond * (measuredMs / 1000));
}
