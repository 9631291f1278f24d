/**
 * Each fault of the upstream by itself, under load (reliability, goal "upstream outage"): no answer changes,
 * and the long suite tells how long answers take meanwhile. Faults are judged by their conditions elsewhere.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { countsOf, mergeOutcomes, type Outcomes, percentileMs } from "../../bench/load-outcomes.ts";
import { OpenLoop } from "../../bench/open-loop.ts";
import { measureText, summarize } from "../../bench/statistics.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { clientKey, eventually, serverKey } from "../support/running-proxy.ts";
import { startServing } from "../support/serving-process.ts";
import { upstreamFaults } from "../support/upstream-faults.ts";
import { scaled } from "./fault-scale.ts";
import { rateOf, requestsOf } from "./outage.ts";

/** The first seconds of a phase may tell of the one before. */
const seconds = { settle: 1, good: scaled(5, 1, 2), fault: scaled(8, 1, 3) };
const faultsMax = scaled(Number.POSITIVE_INFINITY, 2, 10);

const p99Of = (outcomes: Outcomes) => percentileMs(outcomes, 0.99);

it("each fault by itself changes no answer", { timeout: 1_500_000 }, async () => {
  await using evil = await startFaultUpstream();
  await using serving = await startServing({
    config: { api_poll_frequency_seconds: 0.5, api_poll_timeout_seconds: 1 },
  });
  const { upstream, url, port } = serving;
  const order = { port, requests: requestsOf({ clientKey, serverKey }), connections: 64, patienceMs: 5000 };
  await using load = new OpenLoop({ ...order, perSecond: await rateOf(order), comparesBodies: true });
  await load.underWay();
  const outcomes: Outcomes[] = [];
  const phase = async (lasts: number): Promise<number> => {
    await sleep(1000 * seconds.settle);
    outcomes.push(load.take());
    await sleep(1000 * lasts);
    const taken = load.take();
    outcomes.push(taken);
    return p99Of(taken);
  };
  const faults = upstreamFaults(`${evil.apiUrl}/environment-document/`);
  const told: { name: string; goodMs: number; faultMs: number }[] = [];
  for (const { name, mode, options } of faults.slice(0, faultsMax)) {
    const goodMs = await phase(seconds.good);
    upstream.setMode(serverKey, mode, options);
    told.push({ name, goodMs, faultMs: await phase(seconds.fault) });
    upstream.setMode(serverKey, "ok");
    await eventually(async () => (await fetch(`${url}/proxy/health`)).status === 200);
  }
  outcomes.push(await load.stop());
  expect(Object.keys(countsOf(mergeOutcomes(outcomes)))).toEqual(["200"]);
  const times = told.map(({ goodMs, faultMs }) => faultMs / goodMs);
  const most = told.toSorted((left, right) => right.faultMs / right.goodMs - left.faultMs / left.goodMs);
  const mostText = most
    .slice(0, 5)
    .map(({ name, goodMs, faultMs }) => `${name} ${goodMs.toFixed(1)} to ${faultMs.toFixed(1)} ms`);
  process.stdout.write(
    `B: ${told.length} faults, p99 ${measureText(summarize(times), 2)} times the one before; ` +
      `most: ${mostText.join(", ")}\n`,
  );
});
