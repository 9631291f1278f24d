/**
 * An outage of the upstream under load: good, at fault, good again, and what clients, health and the upstream
 * saw of it. It judges nothing: tests do.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpRequest } from "../../bench/http-cases.ts";
import { countOf, countsOf, mergeOutcomes, type Outcomes, percentileMs } from "../../bench/load-outcomes.ts";
import { OpenLoop } from "../../bench/open-loop.ts";
import type { FaultUpstream, RecordedRequest } from "../support/fault-upstream.ts";
import {
  type ConfigTree,
  configFor,
  demoDocumentWith,
  eventually,
  getFlags,
  healthOf,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { scaled } from "./fault-scale.ts";

/** Seconds of each phase. */
export interface Phases {
  readonly good: number;
  readonly fault: number;
}

export interface Outage {
  readonly upstream: FaultUpstream;
  /** Where the proxy finds it; its own address unless given. */
  readonly apiUrl?: string;
  /** A name for each environment; its keys follow from its place. */
  readonly environments: readonly string[];
  readonly phases: Phases;
  readonly config?: ConfigTree;
  /** Begins and ends the fault; `end` may publish what `afterOf` makes. */
  readonly begin: (environment: readonly EnvironmentKeys[]) => unknown;
  readonly end: (environment: readonly EnvironmentKeys[]) => unknown;
}

export interface EnvironmentKeys {
  readonly name: string;
  readonly id: number;
  readonly clientKey: string;
  readonly serverKey: string;
}

/** What health told of an environment. */
interface ToldHealth {
  /** At the end of the fault. */
  readonly state: string;
  /** Each reason that was told while it lasted. */
  readonly reasons: readonly string[];
}

/** Plain data, that crosses processes. */
export interface OutageReport {
  /** How many requests ended in which way. */
  readonly outcomes: { readonly good: Counts; readonly fault: Counts; readonly recovery: Counts };
  /** What 99 of 100 requests took at most, in the good phases and the faulty one. */
  readonly p99Ms: { readonly good: number; readonly fault: number };
  /** By name. */
  readonly health: Readonly<Record<string, ToldHealth>>;
  readonly recoveredStatus: string;
  /** From the end of the fault until the last environment served what was published then. */
  readonly servedAfterMs: number;
  /** By name, of the faulty phase: requests, and the most polls that there was time for. */
  readonly requests: Readonly<Record<string, { readonly sent: number; readonly polls: number }>>;
  /** Those with two requests at a time. */
  readonly overlapping: readonly string[];
  readonly longestRequestMs: number;
  /** All that the proxy wrote. */
  readonly log: string;
}

type Counts = Readonly<Record<string, number>>;

const intervalMs = 500;
const timeoutMs = 1000;
const connections = 64;
const patienceMs = 5000;

/** The document of an environment, told apart by its banner. */
export function documentOf({ id, clientKey }: EnvironmentKeys, banner: string): string {
  return demoDocumentWith({ banner_text: banner }, { id, api_key: clientKey });
}

/** Lives through it. */
export async function rideOut(outage: Outage): Promise<OutageReport> {
  const { upstream, phases } = outage;
  const all = outage.environments.map((name, index) => keysOf(name, index + 1));
  for (const each of all) upstream.setDocument(each.serverKey, documentOf(each, "before"));
  await using proxy = startProxyProcess({ config: configOf(outage, all) });
  const url = await proxy.url();
  await eventually(() => areServed(url, all, "before"));
  const order = {
    port: Number(new URL(url).port),
    requests: all.flatMap(requestsOf),
    connections,
    patienceMs,
  };
  const perSecond = await rateOf(order);
  const loadOf = (comparesBodies: boolean) => new OpenLoop({ ...order, perSecond, comparesBodies });
  await using load = loadOf(true);
  await load.underWay();
  await sleep(1000 * phases.good);
  const good = load.take();
  upstream.forgetRequests();
  const faultMs = performance.now();
  await outage.begin(all);
  const health = await watchHealth(url, all, faultMs + 1000 * phases.fault);
  const seen = seenBy(upstream.requests(), all, performance.now() - faultMs);
  await using lastLoad = loadOf(false);
  const fault = mergeOutcomes([load.take(), await load.stop()]);
  const recoveryMs = performance.now();
  for (const each of all) upstream.setDocument(each.serverKey, documentOf(each, "after"));
  await outage.end(all);
  await eventually(() => areServed(url, all, "after"), 90_000);
  const servedAfterMs = performance.now() - recoveryMs;
  await sleep(1000 * phases.good);
  const recovered = await healthOf(url);
  const recovery = await lastLoad.stop();
  return {
    outcomes: { good: countsOf(good), fault: countsOf(fault), recovery: countsOf(recovery) },
    p99Ms: { good: p99Of(mergeOutcomes([good, recovery])), fault: p99Of(fault) },
    health,
    recoveredStatus: recovered.status,
    servedAfterMs,
    ...seen,
    log: proxy.stdout() + proxy.stderr(),
  };
}

function keysOf(name: string, id: number): EnvironmentKeys {
  return { name, id, clientKey: `client${id}`, serverKey: `ser.${id}` };
}

function configOf({ upstream, apiUrl, config }: Outage, all: readonly EnvironmentKeys[]): ConfigTree {
  return configFor(
    { apiUrl: apiUrl ?? upstream.apiUrl },
    {
      environment_key_pairs: all.map(({ clientKey, serverKey }) => ({
        client_side_key: clientKey,
        server_side_key: serverKey,
      })),
      api_poll_frequency_seconds: intervalMs / 1000,
      api_poll_timeout_seconds: timeoutMs / 1000,
      storage: { enabled: true, path: "data" },
      ...config,
    },
  );
}

/** GET flags, POST identities and the document. */
export function requestsOf({
  clientKey,
  serverKey,
}: Pick<EnvironmentKeys, "clientKey" | "serverKey">): HttpRequest[] {
  const headers = { "x-environment-key": clientKey };
  const json = { ...headers, "content-type": "application/json" };
  const server = { "x-environment-key": serverKey };
  return [
    { method: "GET", path: "/api/v1/flags/", headers, bodies: "none" },
    { method: "POST", path: "/api/v1/identities/", headers: json, bodies: "same" },
    { method: "GET", path: "/api/v1/environment-document/", headers: server, bodies: "none" },
  ];
}

/** @returns requests a second: in the longer suites 30 % of what this machine can do, else few */
export async function rateOf(
  order: Omit<ConstructorParameters<typeof OpenLoop>[0], "perSecond">,
): Promise<number> {
  const seconds = scaled(10, 0, 5);
  if (seconds === 0) return 500;
  // Impatient, so that few wait: the load itself would take long over a queue.
  await using load = new OpenLoop({ ...order, perSecond: 40_000, patienceMs: 250 });
  await sleep(500 * seconds);
  load.take();
  await sleep(500 * seconds);
  const perSecond = Math.round((0.3 * countOf(load.take(), "200")) / (seconds / 2));
  process.stdout.write(`The load is ${perSecond} requests a second, 30 % of the capacity\n`);
  return perSecond;
}

async function areServed(url: string, all: readonly EnvironmentKeys[], banner: string): Promise<boolean> {
  for (const { clientKey } of all) {
    const text = await (await getFlags(url, clientKey)).text();
    if (!text.includes(`"${banner}"`)) return false;
  }
  return true;
}

/** @param untilMs on the monotonic clock */
async function watchHealth(
  url: string,
  all: readonly EnvironmentKeys[],
  untilMs: number,
): Promise<OutageReport["health"]> {
  const reasons = new Map(all.map(({ id }) => [id, new Set<string>()]));
  for (;;) {
    const { environments } = await healthOf(url);
    for (const { id, reason } of environments) if (reason !== null) reasons.get(id ?? 0)?.add(reason);
    if (performance.now() > untilMs) {
      const stateOf = (id: number) => environments.find((each) => each.id === id)?.state ?? "absent";
      const toldOf = (id: number) => ({ state: stateOf(id), reasons: [...(reasons.get(id) ?? [])] });
      return Object.fromEntries(all.map(({ name, id }) => [name, toldOf(id)]));
    }
    await sleep(100);
  }
}

/** What the upstream saw within so many milliseconds. */
function seenBy(requests: readonly RecordedRequest[], all: readonly EnvironmentKeys[], ms: number) {
  const of = (key: string) => requests.filter(({ headers }) => headers["x-environment-key"] === key);
  const polls = Math.floor(ms / intervalMs) + 1;
  const lasted = requests.map(({ time, endedTime }) => (endedTime?.getTime() ?? time.getTime()) - +time);
  return {
    requests: Object.fromEntries(
      all.map(({ name, serverKey }) => [name, { sent: of(serverKey).length, polls }]),
    ),
    overlapping: all.filter(({ serverKey }) => isOverlapping(of(serverKey))).map(({ name }) => name),
    longestRequestMs: Math.max(0, ...lasted),
  };
}

/** A request's end is seen when the event loop comes to it: some milliseconds are no overlap. */
function isOverlapping(requests: readonly RecordedRequest[]): boolean {
  return requests.some(({ time }, index) => {
    const before = requests[index - 1];
    return before !== undefined && (before.endedTime === null || +before.endedTime - +time > 50);
  });
}

function p99Of(outcomes: Outcomes): number {
  return percentileMs(outcomes, 0.99, "200");
}

/** @returns the report's figures in one line */
export function figuresOf({ outcomes, p99Ms: { good, fault }, servedAfterMs }: OutageReport): string {
  const ratio = (fault / good).toFixed(2);
  const p99 = `p99 ${good.toFixed(1)} ms, at fault ${fault.toFixed(1)} ms (${ratio} times)`;
  return `${JSON.stringify(outcomes)}, ${p99}, new documents ${Math.round(servedAfterMs)} ms after the end`;
}
