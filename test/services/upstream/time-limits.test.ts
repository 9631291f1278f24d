/** Limits of time that change while the upstream is asked: what runs keeps those it has begun with. */
import { expect, test } from "vitest";
import { systemClock } from "../../../src/services/clock.ts";
import { EventStreamClient } from "../../../src/services/upstream/event-stream-client.ts";
import { startFaultUpstream } from "../../support/fault-upstream.ts";
import { changeEvent, startRealtimeUpstream } from "../../support/realtime-upstream.ts";
import { demoDocumentText } from "../../support/running-proxy.ts";
import { createClient, failureOf, upstreamSettings } from "../../support/upstream-settings.ts";

const whole = { serverKey: "ser.one", ifModifiedSince: null };
const patient = { requestTimeoutMs: 21_000, documentTimeoutMs: 21_000 };

async function startPair(requestTimeoutMs: number) {
  const upstream = await startFaultUpstream();
  upstream.setDocument(whole.serverKey, demoDocumentText);
  const client = createClient({ apiUrl: upstream.apiUrl, requestTimeoutMs });
  const dispose = async () => {
    await client[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  };
  return { upstream, client, [Symbol.asyncDispose]: dispose };
}

test("the next fetch has the new limits, of a request and of the whole", async () => {
  await using pair = await startPair(100);
  pair.upstream.setMode(whole.serverKey, "ok", { delayMs: 400 });
  expect((await failureOf(pair.client.fetchDocument(whole))).message).toContain("within 100 ms");
  pair.client.setTimeLimits(patient);
  expect(await pair.client.fetchDocument(whole)).toMatchObject({ kind: "document" });
  pair.client.setTimeLimits({ requestTimeoutMs: 150, documentTimeoutMs: 20_000 });
  expect((await failureOf(pair.client.fetchDocument(whole))).message).toContain("within 150 ms");
  pair.client.setTimeLimits({ requestTimeoutMs: 20_000, documentTimeoutMs: 120 });
  expect((await failureOf(pair.client.fetchDocument(whole))).message).toContain("complete within 120 ms");
});

test("a document that is being fetched meanwhile comes with all its pages", async () => {
  await using pair = await startPair(20_000);
  const pages = [{ identity_overrides: [] }, { identity_overrides: [] }];
  pair.upstream.setMode(whole.serverKey, "link-same", { pages, delayMs: 200 });
  const fetching = pair.client.fetchDocument(whole);
  await expect.poll(() => pair.upstream.requests().length).toBe(1);
  pair.client.setTimeLimits({ requestTimeoutMs: 1, documentTimeoutMs: 1 });
  const answer = await fetching;
  expect(answer.kind === "document" && answer.pages.length).toBe(3);
});

test("connections stay where the limits do", async () => {
  await using pair = await startPair(20_000);
  const connectionsAfter = async (limits: readonly number[]): Promise<number> => {
    const before = pair.upstream.connections;
    for (const requestTimeoutMs of limits) {
      pair.client.setTimeLimits({ requestTimeoutMs, documentTimeoutMs: 20_000 });
      await pair.client.fetchDocument(whole);
    }
    return pair.upstream.connections - before;
  };
  expect(await connectionsAfter([5001, 5002, 5003, 5004, 5005, 5006])).toBe(6);
  expect(await connectionsAfter([5006, 5006, 5006, 5006, 5006, 5006])).toBeLessThan(4);
});

test("who ends while former connections carry something ends at once", async () => {
  await using pair = await startPair(20_000);
  pair.upstream.setMode(whole.serverKey, "hang-headers");
  const failure = failureOf(pair.client.fetchDocument(whole));
  await expect.poll(() => pair.upstream.requests().length).toBe(1);
  pair.client.setTimeLimits(patient);
  await pair.client[Symbol.asyncDispose]();
  expect((await failure).code).not.toBe("timeout");
});

test("a stream goes on, and the next one has the new limit to begin", async () => {
  await using realtime = await startRealtimeUpstream();
  const upstream = upstreamSettings({ requestTimeoutMs: 20_000 });
  const settings = { url: realtime.url, silenceMsMax: 60_000 };
  await using client = new EventStreamClient({ settings, upstream, userAgent: "test/1", clock: systemClock });
  const open = () =>
    client.open({ clientKey: "one", lastEventId: null, signal: new AbortController().signal });
  const stream = (await open())[Symbol.asyncIterator]();
  await stream.next();
  client.setTimeLimits({ requestTimeoutMs: 100 });
  realtime.setMode("hang");
  expect((await failureOf(open())).message).toContain("within 100 ms");
  realtime.send(changeEvent(1.5));
  expect(Buffer.from((await stream.next()).value).toString()).toBe(changeEvent(1.5));
  await stream.return?.();
});
