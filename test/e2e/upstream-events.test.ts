/**
 * The proxy on the upstream's event streams: what changes is served at once, and whatever the streams do,
 * flags are served and polls go on.
 */
import { expect, it } from "vitest";
import {
  changeEvent,
  type RealtimeMode,
  type RealtimeUpstream,
  startRealtimeUpstream,
} from "../support/realtime-upstream.ts";
import {
  bannerOf,
  type ConfigTree,
  clientKey,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  getFlags,
  type RunningProxy,
  serverKey,
  startProxy,
} from "../support/running-proxy.ts";

const baseSeconds = 1_800_000_000;
const { project: demoProject } = JSON.parse(demoDocumentText) as { project: object };

/** The demo document with this banner, updated so many seconds after the first one. */
function documentOf(banner: string, seconds = 0, enabled: unknown = true): string {
  const project = { ...demoProject, enable_realtime_updates: enabled };
  const updated_at = new Date((baseSeconds + seconds) * 1000 + 250).toISOString();
  return demoDocumentWith({ banner_text: banner }, { updated_at, project });
}

const eventOf = (seconds: number): string => changeEvent(baseSeconds + seconds + 0.25);

/** Streams that come back within a tenth of a second, and an hour between two polls. */
function start(realtime: RealtimeUpstream, config: ConfigTree = {}, document = documentOf("first")) {
  const section = {
    url: realtime.url,
    poll_frequency_seconds: 3600,
    refresh_jitter_seconds: 0.01,
    catch_up_spread_seconds: 0.01,
    reconnect_min_seconds: 0.02,
    reconnect_max_seconds: 0.1,
    silence_seconds: 0.5,
    event_bytes_max: 5000,
  };
  const hourly = { api_poll_frequency_seconds: 3600 };
  return startProxy({ document, config: { ...hourly, realtime: section, ...config } });
}

const serves = ({ url }: RunningProxy, banner: string) =>
  eventually(async () => (await bannerOf(url)) === banner);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps the streams that are open alive, as the upstream does. */
function keepAlive(realtime: RealtimeUpstream): Disposable {
  const timer = setInterval(() => realtime.send(":\n\n"), 100);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

it.concurrent("a change is served after its event, however long the polls are apart", async () => {
  await using realtime = await startRealtimeUpstream();
  using _ = keepAlive(realtime);
  await using proxy = await start(realtime);
  await eventually(() => realtime.listeners === 1);
  for (const [index, banner] of ["second", "third", "fourth"].entries()) {
    proxy.upstream.setDocument(serverKey, documentOf(banner, index + 1));
    realtime.send(eventOf(index + 1));
    await serves(proxy, banner);
  }
});

it.concurrent("a change that its event has overtaken is served when the upstream has it", async () => {
  await using realtime = await startRealtimeUpstream();
  using _ = keepAlive(realtime);
  await using proxy = await start(realtime);
  await eventually(() => realtime.listeners === 1 && proxy.upstream.requests().length >= 2);
  const before = proxy.upstream.requests().length;
  realtime.send(eventOf(5));
  await eventually(() => proxy.upstream.requests().length > before + 1);
  expect(await bannerOf(proxy.url)).toBe("first");
  proxy.upstream.setDocument(serverKey, documentOf("late", 5));
  await serves(proxy, "late");
});

it.concurrent("what was missed while there was no stream is fetched with the next one", async () => {
  await using realtime = await startRealtimeUpstream();
  using _ = keepAlive(realtime);
  await using proxy = await start(realtime);
  await eventually(() => realtime.listeners === 1 && proxy.upstream.requests().length >= 2);
  realtime.setMode("hang");
  realtime.closeAll();
  proxy.upstream.setDocument(serverKey, documentOf("missed", 1));
  await eventually(() => realtime.connects.length > 1);
  expect(await bannerOf(proxy.url)).toBe("first");
  realtime.setMode("ok");
  await serves(proxy, "missed");
});

it.concurrent("polls rest while a stream is healthy, health does not mind, and they come back", async () => {
  await using realtime = await startRealtimeUpstream();
  const health_check = { environment_update_grace_period_seconds: 0.2 };
  const config = { api_poll_frequency_seconds: 0.1, health_check };
  const alive = keepAlive(realtime);
  await using proxy = await start(realtime, config);
  const polls = () => proxy.upstream.requests().length;
  await eventually(() => realtime.listeners === 1);
  const health = async () => (await fetch(`${proxy.url}/proxy/health`)).status;
  // Ten intervals, and twice what health forgives at the usual pace.
  await eventually(async () => {
    const before = polls();
    await pause(500);
    return polls() === before && (await health()) === 200;
  });
  const before = polls();
  realtime.setMode(500);
  realtime.closeAll();
  await eventually(() => polls() > before + 5);
  await eventually(async () => (await health()) === 200);
  await proxy.upstream.refuse();
  await eventually(async () => (await health()) === 503);
  alive[Symbol.dispose]();
});

it.concurrent("a stream without a byte for too long is replaced", async () => {
  await using realtime = await startRealtimeUpstream();
  await using proxy = await start(realtime, { api_poll_frequency_seconds: 0.1 });
  realtime.setMode("silent");
  await eventually(() => realtime.connects.length > 2);
  expect((await getFlags(proxy.url)).status).toBe(200);
});

it.concurrent("streams come and go with what the document says", async () => {
  await using realtime = await startRealtimeUpstream();
  using _ = keepAlive(realtime);
  const config = { api_poll_frequency_seconds: 0.1 };
  await using proxy = await start(realtime, config, documentOf("first", 0, false));
  proxy.upstream.setDocument(serverKey, documentOf("second", 1, { odd: true }));
  await serves(proxy, "second");
  expect(realtime.connects).toHaveLength(0);
  proxy.upstream.setDocument(serverKey, documentOf("third", 2, true));
  await eventually(() => realtime.listeners === 1);
  proxy.upstream.setDocument(serverKey, documentOf("fourth", 3, false));
  realtime.send(eventOf(3));
  await eventually(() => realtime.listeners === 0);
  const connects = realtime.connects.length;
  proxy.upstream.setDocument(serverKey, documentOf("fifth", 4, false));
  await serves(proxy, "fifth");
  expect(realtime.connects).toHaveLength(connects);
});

it.each<RealtimeMode>([
  "hang",
  "drop",
  "end",
  401,
  500,
  503,
  "malformed",
  "huge",
  "flood",
  "redirect",
  "page",
])("with streams that are %s, flags are served and changes come", async (mode) => {
  await using realtime = await startRealtimeUpstream();
  await using stranger = await startRealtimeUpstream();
  realtime.setMode(mode, stranger.url);
  await using proxy = await start(realtime, { api_poll_frequency_seconds: 0.1 });
  await eventually(() => realtime.connects.length > 0);
  for (const [index, banner] of ["second", "third"].entries()) {
    proxy.upstream.setDocument(serverKey, documentOf(banner, index + 1));
    if (mode === "malformed") realtime.send(eventOf(index + 1));
    await serves(proxy, banner);
    await pause(100);
  }
  expect(stranger.connects).toEqual([]);
  const ofStreams = proxy.lines.filter(({ message }) => /tell of changes|event stream/.test(message));
  const faults = ofStreams.filter(({ level }) => level === "warn" || level === "error");
  expect(faults.length).toBeLessThanOrEqual(1);
});

it("no key is sent but the client key in the path, and none is logged", async () => {
  await using realtime = await startRealtimeUpstream();
  const config = { proxy_key: "proxy-key-of-the-test" };
  const section = { url: realtime.url, reconnect_min_seconds: 0.02, reconnect_max_seconds: 0.02 };
  realtime.setMode(500);
  await using proxy = await start(realtime, { ...config, realtime: section });
  await eventually(() => proxy.lines.some(({ level }) => level === "warn"));
  realtime.setMode("ok");
  await eventually(() => realtime.listeners === 1);
  for (const { path, headers } of realtime.connects) {
    expect(path).toBe(`/sse/environments/${clientKey}/stream`);
    expect(JSON.stringify(headers)).not.toMatch(/ser\.|proxy-key/);
  }
  expect(JSON.stringify(proxy.lines)).not.toContain(clientKey);
  expect(JSON.stringify(proxy.lines)).not.toContain("proxy-key");
});

it("a proxy with an open stream ends without waiting for it", async () => {
  await using realtime = await startRealtimeUpstream();
  const proxy = await start(realtime);
  await eventually(() => realtime.listeners === 1);
  await proxy[Symbol.asyncDispose]();
  await eventually(() => realtime.listeners === 0);
  const connects = realtime.connects.length;
  await pause(300);
  expect(realtime.connects).toHaveLength(connects);
});
