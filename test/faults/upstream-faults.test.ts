/**
 * Every fault of the upstream at once, under load: no client sees any of them (reliability, table B). Each
 * environment has a fault of its own.
 */
import { expect, it } from "vitest";
import type { FaultMode, FaultOptions } from "../support/fault-modes.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { upstreamFaults } from "../support/upstream-faults.ts";
import { scaled } from "./fault-scale.ts";
import { documentOf, type EnvironmentKeys, figuresOf, rideOut } from "./outage.ts";

const phases = { good: scaled(60, 1, 10), fault: scaled(120, 6, 30) };
const retryAfterMaxSeconds = 2;

/** Which reason health must tell; null: none, undefined: one or none by turns. */
interface Fault {
  readonly name: string;
  readonly reason?: string | null;
  readonly mode: FaultMode | number;
  readonly options?: FaultOptions;
  readonly requestsPerPoll?: number;
}

const askedToWait: FaultOptions = { retryAfter: "3600" };
const others: readonly Fault[] = [
  { name: "B5 503 with Retry-After 3600", reason: "server_error", mode: 503, options: askedToWait },
  { name: "B5 429 with Retry-After 3600", reason: "rate_limited", mode: 429, options: askedToWait },
  { name: "B6 304 to everything", reason: "unexpected_not_modified", mode: "not-modified-always" },
  { name: "B14 pages without end", reason: "page_refused", mode: "link-many", requestsPerPoll: 10 },
  {
    name: "B15 good and bad by turns",
    mode: "alternating",
    options: { turns: ["too-big", "html", "truncated-length", "gzip-bomb"], bytes: 8_000_000 },
  },
  { name: "no fault", reason: null, mode: "ok" },
  { name: "compressed", reason: null, mode: "gzip-ok" },
  { name: "an ETag alone", reason: null, mode: "etag" },
  { name: "redirected once", reason: null, mode: "redirect-same", requestsPerPoll: 2 },
  // It is asked again once, which may be on another kept connection: then the next poll comes through.
  { name: "a kept connection is reset", mode: "reset-reused", requestsPerPoll: 2 },
];

it("every fault at once changes no answer, and each ends with its environment's next document", {
  timeout: (2 * phases.good + phases.fault + 180) * 1000,
}, async () => {
  await using upstream = await startFaultUpstream();
  await using evil = await startFaultUpstream();
  const faults: readonly Fault[] = [...upstreamFaults(`${evil.apiUrl}/environment-document/`), ...others];
  const faultOf = ({ id }: EnvironmentKeys) => faults[id - 1] as Fault;
  const begin = (each: EnvironmentKeys) => {
    const { mode, options, reason } = faultOf(each);
    // An edit that must not show: some modes would otherwise answer 304.
    if (typeof reason === "string") upstream.setDocument(each.serverKey, documentOf(each, "during"));
    upstream.setMode(each.serverKey, mode, options);
  };
  const report = await rideOut({
    upstream,
    environments: faults.map(({ name }) => name),
    phases,
    config: {
      // B6 and B15 show in unconditional polls alone.
      polling: { jitter_ratio: 0, unconditional_every_polls: 3, concurrency_max: 64 },
      upstream: {
        document_bytes_max: 1_000_000,
        pages_max: 10,
        connections_max: 64,
        retry_after_max_seconds: retryAfterMaxSeconds,
      },
    },
    begin: (all) => all.forEach(begin),
    end: (all) => {
      for (const { serverKey } of all) upstream.setMode(serverKey, "ok");
    },
  });
  const { outcomes, health, requests } = report;
  process.stdout.write(`B: ${figuresOf(report)}, the longest request ${report.longestRequestMs} ms\n`);
  for (const counts of Object.values(outcomes)) expect(Object.keys(counts)).toEqual(["200"]);
  for (const { name, reason } of faults) {
    const { state = "", reasons = [] } = health[name] ?? {};
    if (reason === null) expect([name, state, ...reasons]).toEqual([name, "fresh"]);
    // A busy machine may make a timeout of anything, now and then.
    else if (reason !== undefined)
      expect([name, state, reasons.includes(reason)]).toEqual([name, "failing", true]);
  }
  for (const { name, requestsPerPoll = 1 } of faults) {
    const { sent = 0, polls = 0 } = requests[name] ?? {};
    expect([name, sent > 0, sent <= polls * requestsPerPoll]).toEqual([name, true, true]);
  }
  expect(report.overlapping).toEqual([]);
  expect([evil.requests().length, evil.connections]).toEqual([0, 0]);
  expect(report.recoveredStatus).toBe("ok");
  // A poll, what Retry-After may add, and much patience with a busy machine.
  expect(report.servedAfterMs).toBeLessThan((retryAfterMaxSeconds + 5) * 1000);
});
