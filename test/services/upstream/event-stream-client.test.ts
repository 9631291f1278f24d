/** The upstream's event streams over real sockets: what is sent, what is refused, how streams end. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/services/clock.ts";
import { EventStreamClient } from "../../../src/services/upstream/event-stream-client.ts";
import { startForwardProxy } from "../../support/forward-proxy.ts";
import {
  changeEvent,
  type RealtimeMode,
  type RealtimeUpstream,
  startRealtimeUpstream,
} from "../../support/realtime-upstream.ts";
import { eventually } from "../../support/running-proxy.ts";
import { failureOf, upstreamSettings } from "../../support/upstream-settings.ts";

const clientKey = "key/with ü?#";
const pem = (name: string) =>
  readFileSync(new URL(`../../support/certificates/${name}`, import.meta.url), "utf8");
const tls = { key: pem("server-key.pem"), cert: pem("server.pem") };

function createStreamClient(
  { url }: Pick<RealtimeUpstream, "url">,
  changes: Parameters<typeof upstreamSettings>[0] = {},
  silenceMsMax = 60_000,
) {
  const upstream = upstreamSettings({ proxyKey: "proxy-key", requestTimeoutMs: 300, ...changes });
  const options = { settings: { url, silenceMsMax }, upstream, userAgent: "test/1", clock: systemClock };
  return new EventStreamClient(options);
}

/** Opens it and reads it to its end. */
async function readAll(client: EventStreamClient, signal = new AbortController().signal): Promise<string> {
  let text = "";
  for await (const bytes of await client.open({ clientKey, lastEventId: null, signal })) {
    text += Buffer.from(bytes).toString("utf8");
  }
  return text;
}

test("a stream is asked for as SDKs do, and its bytes come as they are sent", async () => {
  await using realtime = await startRealtimeUpstream();
  await using client = createStreamClient(realtime);
  const { signal } = new AbortController();
  const bytes = await client.open({ clientKey, lastEventId: "7", signal });
  const iterator = bytes[Symbol.asyncIterator]();
  expect(Buffer.from((await iterator.next()).value).toString()).toBe(": hello\n\n");
  realtime.send(changeEvent(1.5));
  expect(Buffer.from((await iterator.next()).value).toString()).toBe(changeEvent(1.5));
  expect(realtime.connects).toEqual([
    {
      path: "/sse/environments/key%2Fwith%20%C3%BC%3F%23/stream",
      headers: {
        accept: "text/event-stream",
        "accept-encoding": "identity",
        "cache-control": "no-cache",
        connection: "keep-alive",
        host: new URL(realtime.url).host,
        "last-event-id": "7",
        "user-agent": "test/1",
      },
    },
  ]);
  await iterator.return?.();
  await eventually(() => realtime.listeners === 0);
});

test.each<[RealtimeMode, string]>([
  ["hang", "timeout"],
  [401, "key_rejected"],
  [500, "server_error"],
  ["page", "unexpected_status"],
  ["gzip", "bad_encoding"],
  ["redirect", "redirect_refused"],
])("%s is refused as %s", async (mode, code) => {
  await using realtime = await startRealtimeUpstream();
  await using client = createStreamClient(realtime);
  realtime.setMode(mode, realtime.url);
  expect(await failureOf(readAll(client))).toMatchObject({ code });
});

test("what an answer asks for is kept, and nothing is sent to another origin", async () => {
  await using realtime = await startRealtimeUpstream();
  await using other = await startRealtimeUpstream();
  await using client = createStreamClient(realtime);
  realtime.setMode(503);
  expect(await failureOf(readAll(client))).toMatchObject({ retryAfterMs: 7000 });
  realtime.setMode("redirect", other.url);
  expect(await failureOf(readAll(client))).toMatchObject({ code: "redirect_refused" });
  expect(other.connects).toEqual([]);
});

test("a redirect within the origin is followed", async () => {
  await using realtime = await startRealtimeUpstream();
  await using client = createStreamClient(realtime);
  realtime.setMode("redirect", "/elsewhere");
  expect(await failureOf(readAll(client))).toMatchObject({ code: "redirect_refused" });
  expect(realtime.connects.map(({ path }) => path).slice(1)).toEqual(Array(3).fill("/elsewhere"));
});

test.each<[string, RealtimeMode, string]>([
  ["is cut off", "drop", "connection_lost"],
  ["pauses for too long", "silent", "timeout"],
])("a stream that %s says so", async (_name, mode, code) => {
  await using realtime = await startRealtimeUpstream();
  await using client = createStreamClient(realtime, {}, 200);
  realtime.setMode(mode);
  expect(await failureOf(readAll(client))).toMatchObject({ code });
});

test("a stream through a forward proxy pauses no longer", async () => {
  await using realtime = await startRealtimeUpstream();
  await using proxy = await startForwardProxy();
  await using client = createStreamClient(realtime, { httpProxy: proxy.url }, 200);
  realtime.setMode("silent");
  expect(await failureOf(readAll(client))).toMatchObject({ code: "timeout" });
  expect(proxy.asked).toHaveLength(1);
});

test("a stream goes on beyond the limits of documents, and ends in order", async () => {
  await using realtime = await startRealtimeUpstream();
  await using client = createStreamClient(realtime, { documentBytesMax: 1024, requestTimeoutMs: 100 });
  const reading = readAll(client);
  for (let each = 0; each < 5; each += 1) {
    await eventually(() => realtime.listeners === 1);
    realtime.send(changeEvent(each + 0.5).repeat(20));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  realtime.closeAll();
  expect((await reading).match(/updated_at/g)).toHaveLength(100);
});

test("there are more streams than connections for documents", async () => {
  await using realtime = await startRealtimeUpstream();
  await using client = createStreamClient(realtime, { connectionsMax: 1 });
  const ending = new AbortController();
  const reads = Array.from({ length: 5 }, () => readAll(client, ending.signal).catch(() => "aborted"));
  await eventually(() => realtime.listeners === 5);
  ending.abort();
  expect(await Promise.all(reads)).toEqual(Array(5).fill("aborted"));
  await eventually(() => realtime.listeners === 0);
});

test("certificates are checked as for documents", async () => {
  await using realtime = await startRealtimeUpstream(tls);
  await using stranger = createStreamClient(realtime);
  expect(await failureOf(readAll(stranger))).toMatchObject({ code: "tls_failure" });
  expect(realtime.connects).toHaveLength(0);
  await using client = createStreamClient(realtime, { caCertificates: pem("authority.pem") });
  const ending = new AbortController();
  const reading = readAll(client, ending.signal).catch(() => "aborted");
  await eventually(() => realtime.listeners === 1);
  ending.abort();
  expect(await reading).toBe("aborted");
});

test("streams go through the forward proxy of their own scheme", async () => {
  await using realtime = await startRealtimeUpstream(tls);
  await using proxy = await startForwardProxy();
  const caCertificates = pem("authority.pem");
  await using client = createStreamClient(realtime, { httpsProxy: proxy.url, caCertificates });
  const ending = new AbortController();
  const reading = readAll(client, ending.signal).catch(() => "aborted");
  await eventually(() => realtime.listeners === 1);
  expect(proxy.asked).toEqual([`CONNECT ${new URL(realtime.url).host}`]);
  ending.abort();
  await reading;
});
