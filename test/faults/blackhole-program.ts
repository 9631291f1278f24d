/**
 * An outage in which packets to the upstream vanish: nobody refuses, nobody answers. It runs in a network
 * namespace of its own, whose routes it changes, and sends its report to the process that started it:
 *
 *     unshare --net node test/faults/blackhole-program.ts '{"good":2,"fault":4}'
 */
import { execFileSync } from "node:child_process";
import { type AttemptsSeen, watchAttempts } from "../support/connection-attempts.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { type OutageReport, type Phases, rideOut } from "./outage.ts";

/** Sent over IPC. */
export interface BlackholeReport {
  readonly report: OutageReport;
  readonly attempts: AttemptsSeen;
}

const address = "10.99.0.1";
const ip = (words: string): void => void execFileSync("ip", words.split(" "));

// Whatever is sent to the device `hole` is for a neighbour that is not at its other end.
ip("link set lo up");
ip(`addr add ${address}/32 dev lo`);
ip("link add hole type veth peer name hole-end");
ip("link set hole up");
ip("link set hole-end up");
ip(`neigh add ${address} lladdr 02:00:00:00:00:01 dev hole`);

async function loseEverything(phases: Phases): Promise<BlackholeReport> {
  await using upstream = await startFaultUpstream({ host: address });
  // All the time: to look costs the machine something, in the good phases as in the faulty one.
  const endWatch = watchAttempts(Number(new URL(upstream.origin).port));
  const report = await rideOut({
    upstream,
    environments: ["one", "two"],
    phases,
    config: { upstream: { breaker_failures_max: 5 } },
    begin: () => {
      ip(`route del local ${address} dev lo table local`);
      ip(`route add ${address} dev hole`);
    },
    end: () => {
      ip(`route del ${address} dev hole`);
      ip(`route add local ${address} dev lo table local src ${address}`);
    },
  });
  return { report, attempts: endWatch() };
}

process.send?.(await loseEverything(JSON.parse(process.argv[2] ?? "") as Phases));
