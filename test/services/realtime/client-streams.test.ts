/** Streams on real sockets, under a clock that tests move: beats, slow readers, drains, who is told when. */

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { zeroCounts } from "../../../src/cache/answer-counts.ts";
import type { EnvironmentSnapshot } from "../../../src/cache/environment-snapshot.ts";
import type { SnapshotSlot } from "../../../src/cache/snapshot-store.ts";
import type { ClientStreamSettings } from "../../../src/models/settings.ts";
import { ClientStreams } from "../../../src/services/realtime/client-streams.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { eventually } from "../../support/running-proxy.ts";
import { StreamClient } from "../../support/stream-client.ts";
import { defaultClientStreams } from "../../support/test-app.ts";

/** What streams look at: a version is the time that it was updated at. */
const snapshotOf = (version: string) =>
  ({ version, updatedAtSeconds: version }) as unknown as EnvironmentSnapshot;

interface TestSlot extends SnapshotSlot {
  current: EnvironmentSnapshot | null;
}

/** Time passes whenever somebody looks: slices end after a few steps. */
class HastyClock extends FakeClock {
  override monotonicMs(): number {
    this.pass(0.5);
    return super.monotonicMs();
  }
}

async function startStreams(settings: Partial<ClientStreamSettings> = {}, clock = new FakeClock()) {
  // Spread evenly, so that counts are exact.
  let drawn = 0;
  const random = () => {
    drawn += 1;
    return (drawn * 0.618_033_988_75) % 1;
  };
  const all = { ...defaultClientStreams, streamsMax: 10_000, environmentStreamsMax: 10_000 };
  const streams = new ClientStreams({ settings: { ...all, ...settings }, clock, random });
  const slots: Readonly<Record<string, TestSlot>> = {
    a: { current: null, counts: zeroCounts() },
    b: { current: null, counts: zeroCounts() },
  };
  for (const slot of Object.values(slots)) streams.added(slot);
  const responses: ServerResponse[] = [];
  const server = createServer((request, response) => {
    responses.push(response);
    streams.open(slots[request.url?.slice(1) ?? ""] as TestSlot, response.writeHead(200, {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const open = async (name = "a") => {
    const client = await StreamClient.open(port, `/${name}`);
    onTestFinished(() => client[Symbol.asyncDispose]());
    await eventually(() => client.chunks.length === 1);
    return client;
  };
  const openMany = (count: number) => Promise.all(Array.from({ length: count }, () => open()));
  const serve = (version: string, name = "a") => {
    const slot = slots[name] as TestSlot;
    slot.current = snapshotOf(version);
    streams.swapped(slot);
  };
  const announce = (version: string, name = "a") => streams.announced(slots[name] as TestSlot, version);
  return { clock, streams, slots, responses, open, openMany, serve, announce };
}

/** What has been written is with the clients. */
const arrive = () => new Promise((resolve) => setTimeout(resolve, 50));

it("a document is told of when it is both announced and served, whichever comes first", async () => {
  const { open, serve, announce } = await startStreams();
  const client = await open();
  serve("1.0");
  await arrive();
  expect(client.events).toEqual([]);
  announce("1.0");
  await eventually(() => client.events.length === 1);
  announce("2.0");
  await arrive();
  expect(client.events).toEqual(["1.0"]);
  serve("2.0");
  await eventually(() => client.events.length === 2);
  expect(client.events).toEqual(["1.0", "2.0"]);
});

it("a stream begins with what was announced, though something newer is being served", async () => {
  const { open, serve, announce } = await startStreams();
  serve("1.0");
  expect((await open()).events).toEqual([]);
  announce("1.0");
  serve("2.0");
  const client = await open();
  expect(client.events).toEqual(["1.0"]);
  // The announcement of the first comes late: it is not the second's.
  announce("1.0");
  await arrive();
  expect(client.events).toEqual(["1.0"]);
  announce("2.0");
  await eventually(() => client.events.length === 2);
  expect((await open()).events).toEqual(["2.0"]);
});

it("the same content is told of once, and again after another", async () => {
  const { open, serve, announce } = await startStreams();
  const client = await open();
  for (const version of ["1.0", "1.0", "2.0", "1.0", "1.0"]) {
    serve(version);
    announce(version);
    await arrive();
  }
  expect(client.events).toEqual(["1.0", "2.0", "1.0"]);
});

it("an environment's clients are told, and no others", async () => {
  const { open, serve, announce } = await startStreams();
  const [a, b] = [await open("a"), await open("b")];
  serve("1.0", "a");
  announce("1.0", "a");
  announce("1.0", "b");
  await eventually(() => a.events.length === 1);
  await arrive();
  expect(b.events).toEqual([]);
});

it("who comes while the others are being told is told once", async () => {
  const { open, openMany, serve, announce } = await startStreams({}, new HastyClock());
  const clients = await openMany(200);
  serve("1.0");
  announce("1.0");
  const late = await open();
  await eventually(() => clients.every(({ events }) => events.length === 1));
  await arrive();
  expect(late.events).toEqual(["1.0"]);
});

it("of two documents in a row everybody hears the second, and nobody the first after it", async () => {
  const { openMany, serve, announce } = await startStreams({}, new HastyClock());
  const clients = await openMany(300);
  for (const version of ["1.0", "2.0"]) {
    serve(version);
    announce(version);
    await settle();
  }
  await eventually(() => clients.every(({ events }) => events.at(-1) === "2.0"));
  for (const { events } of clients) expect([["2.0"], ["1.0", "2.0"]]).toContainEqual(events);
  // Those that had not been told of the first were spared it.
  expect(clients.some(({ events }) => events.length === 1)).toBe(true);
});

it("each stream is kept alive once in an interval, and never all of them in one turn", async () => {
  const { clock, openMany } = await startStreams({ keepAliveMs: 10_000 });
  const clients = await openMany(200);
  const beats = () => clients.map(({ chunks }) => chunks.filter((chunk) => chunk === ":\n\n").length);
  const total = () => beats().reduce((sum, count) => sum + count, 0);
  const steps: number[] = [];
  for (let step = 0; step < 20; step += 1) {
    const before = total();
    await clock.advance(500);
    await arrive();
    steps.push(total() - before);
  }
  expect(beats()).toEqual(clients.map(() => 1));
  expect(Math.max(...steps)).toBeLessThan(20);
  await clock.advance(10_000);
  await eventually(() => beats().every((count) => count === 2));
});

it("no timer runs while there is no stream", async () => {
  const { clock, streams, open } = await startStreams();
  expect(clock.sleepers).toBe(0);
  const client = await open();
  expect(clock.sleepers).toBe(1);
  const other = await open();
  expect(clock.sleepers).toBe(1);
  for (const each of [client, other]) each.connection.reset();
  await eventually(() => streams.streams === 0);
  await clock.advance(25_000);
  expect(clock.sleepers).toBe(0);
});

it("streams end by themselves, in order, and not together", async () => {
  const settings = { keepAliveMs: 10_000, lifetimeMs: 100_000 };
  const { clock, streams, openMany } = await startStreams(settings);
  const clients = await openMany(50);
  await clock.advance(70_000);
  await arrive();
  expect(streams.streams).toBe(50);
  await clock.advance(20_000);
  await arrive();
  expect(streams.streams).toBeGreaterThan(0);
  expect(streams.streams).toBeLessThan(50);
  await clock.advance(20_000);
  expect(streams.streams).toBe(0);
  await eventually(() => clients.every(({ isEnded }) => isEnded));
});

it.each(["event", "keep-alive"])(
  "a reader that has not taken what came before is cut at the next %s",
  async (next) => {
    const { clock, streams, responses, open, serve, announce } = await startStreams();
    const [reader, slow] = [await open(), await open()];
    // More than the buffers of a loopback connection hold.
    slow.connection.pause();
    responses[1]?.write(Buffer.alloc(64 * 1024 * 1024, ":"));
    await settle();
    serve("1.0");
    announce("1.0");
    await eventually(() => reader.events.length === 1);
    // Right after what was written before, an event is no reason yet.
    expect(streams.streams).toBe(2);
    await clock.advance(next === "event" ? 1000 : 25_000);
    serve("2.0");
    if (next === "event") announce("2.0");
    await eventually(() => reader.chunks.length >= 3);
    expect(streams.streams).toBe(1);
    expect(responses.map(({ destroyed }) => destroyed)).toEqual([false, true]);
  },
);

it("a drain ends streams a share at a time, and all of them by its end", async () => {
  const { clock, streams, openMany } = await startStreams();
  const clients = await openMany(100);
  const drained = Promise.withResolvers<void>();
  const over = streams.drainBeside(drained.promise, 5000);
  const left: number[] = [];
  for (let step = 0; step < 10; step += 1) {
    left.push(streams.streams);
    await clock.advance(500);
  }
  for (const [step, count] of left.entries()) {
    expect(count).toBeGreaterThan(100 - step * 10 - 12);
    expect(count).toBeLessThan(100 - step * 10 + 8);
  }
  expect(streams.streams).toBe(0);
  await eventually(() => clients.every(({ isEnded }) => isEnded));
  drained.resolve();
  await over;
});

it("a drain of few streams takes as long, one after the other", async () => {
  const { clock, streams, openMany } = await startStreams();
  await openMany(5);
  const drained = Promise.withResolvers<void>();
  const over = streams.drainBeside(drained.promise, 5000);
  const left: number[] = [];
  for (let second = 0; second < 5; second += 1) {
    await clock.advance(1000);
    left.push(streams.streams);
  }
  expect(left).toEqual([4, 3, 2, 1, 0]);
  drained.resolve();
  await over;
});

it("a stream that begins in a drain ends in it, and one after it with its beginning", async () => {
  const { clock, streams, open, serve, announce } = await startStreams();
  serve("1.0");
  announce("1.0");
  const drained = Promise.withResolvers<void>();
  const over = streams.drainBeside(drained.promise, 5000);
  await clock.advance(4000);
  const late = await open();
  expect(late.isEnded).toBe(false);
  await clock.advance(1000);
  await eventually(() => late.isEnded);
  const after = await open();
  await eventually(() => after.isEnded);
  expect(after.events).toEqual(["1.0"]);
  drained.resolve();
  await over;
  expect(clock.sleepers).toBe(0);
});

it("a drain does not wait for a slow reader, and ends at once with the listener's", async () => {
  const { clock, streams, responses, open } = await startStreams();
  const [slow, other] = [await open(), await open()];
  slow.connection.pause();
  responses[0]?.write(Buffer.alloc(64 * 1024 * 1024, ":"));
  await settle();
  const drained = Promise.withResolvers<void>();
  const over = streams.drainBeside(drained.promise, 5000);
  drained.resolve();
  await over;
  expect(responses[0]?.destroyed).toBe(true);
  await eventually(() => other.isEnded);
  expect(clock.sleepers).toBe(0);
});

it("the streams of an environment that is removed end at once, and it takes no more", async () => {
  const { streams, slots, open } = await startStreams();
  const [a, b] = [await open("a"), await open("b")];
  streams.removed(slots["a"] as TestSlot);
  await eventually(() => a.isEnded);
  expect(streams.streams).toBe(1);
  expect(streams.refusalOf(slots["a"] as TestSlot)?.code).toBe("service_unavailable");
  expect(streams.refusalOf(slots["b"] as TestSlot)).toBe(null);
  expect(b.isEnded).toBe(false);
});
