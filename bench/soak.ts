/**
 * `npm run soak`: the proxy as it ships under a long mix of requests, right and wrong, with clients that go
 * away and a document that changes each second. Leaks show as a slope of its memory and descriptors, wear as
 * a drift of its p99. With `--chaos` something is broken every so many seconds, and only what a planned fault
 * had in flight may be lost. Exits 1 where a target is missed. Options: see `soak-options.ts`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { optionsOrExit, runReporting, showProgress } from "./bench-command.ts";
import { buildProxy } from "./built-proxy.ts";
import { waitUntil } from "./measured-servers.ts";
import { Chaos } from "./soak/chaos.ts";
import { LossAccount } from "./soak/loss-account.ts";
import { SoakClients } from "./soak/soak-clients.ts";
import { readSoakOptions, type SoakOptions } from "./soak/soak-options.ts";
import { type ChaosResult, figuresOf, reportSoak, type SoakResult } from "./soak/soak-report.ts";
import type { SoakSample } from "./soak/soak-samples.ts";
import { StorageDisk } from "./soak/storage-disk.ts";
import { SupervisedProxy, startChangingUpstream } from "./soak/supervised-proxy.ts";
import { countText } from "./statistics.ts";
import { drawPlot } from "./svg-plot.ts";

const sampleMsMax = 10_000;
/** At least so many, however short the soak is. */
const samplesMin = 24;
/** More than any core has answered: so many requests take no less time than this makes of them. */
const requestsPerSecondMax = 40_000;
const idleMs = 2000;

const options = optionsOrExit(readSoakOptions);
await runReporting(options.json, async () => {
  const report = reportSoak(await soak(options));
  if (options.plots !== null) {
    mkdirSync(options.plots, { recursive: true });
    for (const plot of report.plots) writeFileSync(join(options.plots, `${plot.file}.svg`), drawPlot(plot));
  }
  return report;
});

async function soak({ workers, end, chaos: chaosOptions }: SoakOptions): Promise<SoakResult> {
  await using stack = new AsyncDisposableStack();
  const disk = stack.use(new StorageDisk());
  if (chaosOptions !== null) announceChaos(chaosOptions.seed, disk.isOwnDisk);
  const program = stack.use(await buildProxy());
  const upstream = stack.use(await startChangingUpstream());
  const { apiUrl } = upstream;
  const proxy = stack.use(await SupervisedProxy.start({ apiUrl, proxy: program }, workers, disk.folder));
  const account = new LossAccount();
  await sleep(idleMs);
  const before = proxy.use.descriptors;
  const startMs = performance.now();
  const clients = stack.use(new SoakClients(proxy.port, account));
  const chaos = chaosOptions === null ? null : new Chaos(chaosOptions, { upstream, proxy, disk }, account);
  const samples = await takeSamples(end, proxy, clients);
  await chaos?.stop();
  await clients.stop();
  const minutes = (performance.now() - startMs) / 60_000;
  if (proxy.hasEnded) account.fail("the proxy ended by itself");
  // The last clients are gone as soon as the proxy has noticed.
  await waitUntil(async () => proxy.use.descriptors <= before, 100).catch(() => undefined);
  const chaosResult: ChaosResult | null =
    chaos === null || chaosOptions === null
      ? null
      : { seed: chaosOptions.seed, events: chaos.events, planned: account.planned };
  return {
    workers,
    minutes,
    aborted: clients.aborted,
    samples,
    idleDescriptors: [before, proxy.use.descriptors],
    failures: account.failures,
    chaos: chaosResult,
  };
}

/** @returns when the soak is at its end, or the proxy at its own */
async function takeSamples(
  end: SoakOptions["end"],
  proxy: SupervisedProxy,
  clients: SoakClients,
): Promise<SoakSample[]> {
  const startMs = performance.now();
  const expectedMs = "ms" in end ? end.ms : (end.requests / requestsPerSecondMax) * 1000;
  const everyMs = Math.min(sampleMsMax, expectedMs / samplesMin);
  const isOver = () =>
    "ms" in end ? performance.now() - startMs >= end.ms : clients.requests >= end.requests;
  const samples: SoakSample[] = [];
  while (!isOver() && !proxy.hasEnded) {
    await sleep(everyMs);
    const sample = { requests: clients.requests, ...proxy.use, latencies: clients.takeLatencies() };
    samples.push(sample);
    const { rssMib, descriptors, p99Ms } = figuresOf(sample);
    showProgress(
      `${((performance.now() - startMs) / 60_000).toFixed(1)} min, ${countText(sample.requests)} requests, ` +
        `${rssMib.toFixed(0)} MiB, ${descriptors} descriptors, p99 ${p99Ms.toFixed(1)} ms`,
    );
  }
  return samples;
}

function announceChaos(seed: number, canFillDisk: boolean): void {
  console.error(`soak: --chaos with --seed ${seed}`);
  if (!canFillDisk) console.error("soak: this user may not mount a disk of its own, so none is filled");
}
