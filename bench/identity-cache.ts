/**
 * What the identity cache is worth: hit ratio and CPU for a request's evaluation, with and without it, for
 * streams of bodies from "each once" to "few in turn", in one process without HTTP. It has no target: its
 * figures decide the default (docs/decisions/0007).
 */
import { cachedRequest } from "../src/cache/identity-response-cache.ts";
import type { ViewSnapshot } from "../src/cache/view-snapshot.ts";
import { settingsFrom } from "../src/config/load-settings.ts";
import { readPlainIdentityBody } from "../src/models/plain-identity-body.ts";
import { subjectOf } from "../src/routes/identity-subject.ts";
import { prepareView } from "./engine-contestants.ts";
import { identityBody } from "./http-cases.ts";
import { profileDocument, standardProfile } from "./profile-document.ts";
import { tableText } from "./statistics.ts";

const bodiesCount = 100_000;
const warmUpRequests = 50_000;
const measuredRequests = 200_000;
/** The share of one view where one environment has the default of the settings. */
const cacheShare = { entriesMax: 2048, bytesMax: 8_388_608 };
const { limits } = settingsFrom({});

/** Gives the number of the body that is sent next. */
type Stream = () => number;

const streams: readonly (readonly [name: string, start: () => Stream])[] = [
  ["100,000 bodies, each once", () => inTurn(bodiesCount)],
  ["10,000 in turn: more than the cache holds", () => inTurn(10_000)],
  ["100,000, the n-th 1/n as often as the first", () => byRank(bodiesCount)],
  ["10,000, the n-th 1/n as often as the first", () => byRank(10_000)],
  ["500 in turn", () => inTurn(500)],
];

const documentText = profileDocument(standardProfile);
const bodies = Array.from({ length: bodiesCount }, (_, number) =>
  Buffer.from(identityBody("distinct", number)),
);
const rows: string[][] = [];
for (const [name, start] of streams) {
  const off = measure(await prepareView(documentText, { enabled: false, ...cacheShare }), start());
  const on = measure(await prepareView(documentText, { enabled: true, ...cacheShare }), start());
  rows.push([name, `${Math.round(on.hitRatio * 100)} %`, on.us.toFixed(1), off.us.toFixed(1)]);
}
console.log(tableText(["bodies", "hits", "with cache, µs", "without, µs"], rows));

function measure(view: ViewSnapshot, next: Stream): { readonly us: number; readonly hitRatio: number } {
  let hits = 0;
  for (let request = 0; request < warmUpRequests; request += 1) answer(view, next());
  const before = process.cpuUsage();
  for (let request = 0; request < measuredRequests; request += 1) hits += answer(view, next()) ? 1 : 0;
  const { user, system } = process.cpuUsage(before);
  return { us: (user + system) / measuredRequests, hitRatio: hits / measuredRequests };
}

/** As the route does. @returns whether the answer was kept */
function answer(view: ViewSnapshot, number: number): boolean {
  const body = bodies[number] as Buffer;
  const asked = cachedRequest(body);
  if (view.identityResponses.get(asked) !== undefined) return true;
  const request = readPlainIdentityBody(body, limits);
  if (request === null) throw new Error("the general way is not measured here");
  const { subject } = subjectOf(request, view, () => "");
  view.identityResponses.offer(asked, view.identityResponse(view.identityText(subject)));
  return false;
}

function inTurn(count: number): Stream {
  let number = -1;
  return () => {
    number = (number + 1) % count;
    return number;
  };
}

/** Zipf's law, as the popularity of anything; the same numbers each time. */
function byRank(count: number): Stream {
  let total = 0;
  const sums = Array.from({ length: count }, (_, index) => {
    total += 1 / (index + 1);
    return total;
  });
  let seed = 1;
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const wanted = (seed / 2 ** 32) * total;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
