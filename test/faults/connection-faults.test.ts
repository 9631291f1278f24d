/**
 * Faults of the connection to the upstream, under load: refused, not accepted, lost on the way, slow. No
 * client sees any of them (reliability B1, B2).
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { type AttemptsSeen, watchAttempts } from "../support/connection-attempts.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { startNetworkRelay } from "../support/network-relay.ts";
import type { BlackholeReport } from "./blackhole-program.ts";
import { scaled } from "./fault-scale.ts";
import { figuresOf, type OutageReport, rideOut } from "./outage.ts";

const phases = { good: scaled(60, 1, 10), fault: scaled(120, 5, 30) };
const timeout = (2 * phases.good + phases.fault + 180) * 1000;
const environments = ["one", "two"];
// As many failures as by default.
const config = { upstream: { breaker_failures_max: 5 } };

function tell(name: string, report: OutageReport, attempts?: AttemptsSeen): void {
  const { most, longestMs = 0 } = attempts ?? {};
  const seen =
    most === undefined ? "" : `, at most ${most} attempts at once, the longest ${Math.round(longestMs)} ms`;
  process.stdout.write(`${name}: ${figuresOf(report)}${seen}\n`);
}

/** @param reasons of which health told at least one; null: whatever it told */
function expectUnnoticed(report: OutageReport, reasons: readonly string[] | null): void {
  for (const counts of Object.values(report.outcomes)) expect(Object.keys(counts)).toEqual(["200"]);
  for (const name of environments) {
    const { sent = 0, polls = 0 } = report.requests[name] ?? {};
    expect(sent).toBeLessThanOrEqual(polls);
    if (reasons === null) continue;
    const { state, reasons: told = [] } = report.health[name] ?? {};
    // By the end of a long fault the grace period is over.
    expect(["failing", "stale"]).toContain(state);
    expect(told.some((reason) => reasons.includes(reason))).toBe(true);
  }
  expect(report.overlapping).toEqual([]);
  expect(report.recoveredStatus).toBe("ok");
  // A probe of the open circuit, a poll, and much patience with a busy machine.
  expect(report.servedAfterMs).toBeLessThan(10_000);
}

/** A poll of each environment and no more. */
function expectOneAtATime({ most }: AttemptsSeen): void {
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(environments.length);
}

/** Each of the short ones takes ten seconds; refused connections without load are test/e2e's too. */
const isShort = scaled(0, 1, 0) === 1;
/** The short load is little enough for two at a time. */
const options = { timeout, concurrent: isShort };

it.skipIf(isShort)("B1 no client notices that the upstream refuses", { timeout }, async () => {
  await using upstream = await startFaultUpstream();
  const { refuse: begin, accept: end } = upstream;
  const report = await rideOut({ upstream, environments, phases, config, begin, end });
  tell("B1 refused", report);
  expectUnnoticed(report, ["unreachable"]);
});

it("B2 no client notices that the upstream does not accept", options, async () => {
  await using upstream = await startFaultUpstream();
  await using relay = await startNetworkRelay(upstream.origin);
  const { apiUrl, freeze, thaw } = relay;
  // All the time: to look costs the machine something, in the good phases as in the faulty one.
  const endWatch = watchAttempts(Number(new URL(apiUrl).port));
  const outage = { upstream, apiUrl, environments, phases, config, begin: freeze, end: thaw };
  const report = await rideOut(outage);
  const attempts = endWatch();
  tell("B2 not accepted", report, attempts);
  expectUnnoticed(report, ["timeout"]);
  expectOneAtATime(attempts);
});

/** A network of its own, and processes that all end with the first one. */
const namespace = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
const canCut = spawnSync("unshare", [...namespace, "ip", "link", "add", "hole", "type", "veth"]).status === 0;
if (!canCut) process.stdout.write("B2 packets that vanish: skipped, needs root, unshare, and ip with veth\n");

it.skipIf(!canCut)("B2 no client notices that packets to the upstream vanish", options, async () => {
  const program = fileURLToPath(new URL("blackhole-program.ts", import.meta.url));
  const child = spawn("unshare", [...namespace, process.execPath, program, JSON.stringify(phases)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  try {
    const ended = once(child, "exit").then(() => Promise.reject(new Error("it ended without a report")));
    const [{ report, attempts }] = (await Promise.race([once(child, "message"), ended])) as [BlackholeReport];
    tell("B2 packets vanish", report, attempts);
    expectUnnoticed(report, ["timeout"]);
    expectOneAtATime(attempts);
  } finally {
    child.kill("SIGKILL");
  }
});

it.skipIf(isShort)("no client notices a network that is slow and loses a third", { timeout }, async () => {
  await using upstream = await startFaultUpstream();
  await using relay = await startNetworkRelay(upstream.origin);
  const { apiUrl, become } = relay;
  const begin = () => become({ delayMs: 100, lossRatio: 0.3 });
  const end = () => become({ delayMs: 0, lossRatio: 0 });
  const report = await rideOut({ upstream, apiUrl, environments, phases, config, begin, end });
  tell("slow network", report);
  expectUnnoticed(report, null);
});
