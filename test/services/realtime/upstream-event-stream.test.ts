/** One event stream of the upstream over its life: events, ends, waits, what is logged and told of it. */
import { expect, it, test } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
import { UpstreamEventStream } from "../../../src/services/realtime/upstream-event-stream.ts";
import { createScriptedClient, eventsSettings } from "../../support/event-stream-rig.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { changeEvent } from "../../support/realtime-upstream.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

const lost = new UpstreamError("connection_lost", "cut");

function startStream({ random = () => 1 - Number.EPSILON }: { random?: () => number } = {}) {
  const clock = new FakeClock();
  const client = createScriptedClient();
  const { logger, lines } = createRecordingLogger();
  const changes: (number | null | "gap")[] = [];
  const health: boolean[] = [];
  const stream = new UpstreamEventStream({
    label: () => "ser.…1234",
    clientKey: "client-key-of-the-test",
    client,
    settings: eventsSettings,
    onChange: (updatedAtMs) => changes.push(updatedAtMs),
    onGap: () => changes.push("gap"),
    onHealth: (isHealthy) => health.push(isHealthy),
    clock,
    random,
    logger,
  });
  const shown = () => lines.filter(({ level }) => level !== "debug");
  return {
    clock,
    client,
    changes,
    health,
    shown,
    lines,
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

it("tells of health, of what may have been missed, and of each event", async () => {
  await using rig = startStream();
  expect(rig.health).toEqual([]);
  rig.client.last.begin();
  await settle();
  expect(rig.health).toEqual([true]);
  expect(rig.changes).toEqual(["gap"]);
  rig.client.last.say(`: keep-alive\n\n${changeEvent(1_713_428_180.678868)}`);
  await settle();
  expect(rig.changes).toEqual(["gap", 1_713_428_180.678868 * 1000]);
});

it("one that is ended as it opens tells nobody", async () => {
  const rig = startStream();
  await settle();
  rig.client.last.begin();
  await rig[Symbol.asyncDispose]();
  expect([rig.health, rig.changes]).toEqual([[], []]);
});

const newest = 1_713_428_180_678;
it.each([
  ["milliseconds", 'data: {"updated_at": 1713428180678}\n\n', [newest]],
  ["ISO 8601", 'data: {"updated_at": "2024-04-18T08:16:20.678Z"}\n\n', [newest]],
  ["an event without a name", 'data: {"updated_at": 1713428180.678}\n\n', [newest]],
  ["a message by name", 'event: message\ndata: {"updated_at": 1713428180.678}\n\n', [newest]],
  ["two lines of data", 'data: {"updated_at":\ndata: 1713428180.678}\n\n', [newest]],
  ["carriage returns", 'data: {"updated_at": 1713428180.678}\r\n\r\n', [newest]],
  ["a byte order mark", '\ufeffdata: {"updated_at": 1713428180.678}\n\n', [newest]],
  ["data that is no JSON", "event: environment_updated\ndata: {\n\n", [null]],
  ["data that is null", "data: null\n\n", [null]],
  ["no time", 'data: {"updated_at": "soon"}\n\n', [null]],
  ["a time that is none", 'data: {"updated_at": 1e400}\n\n', [null]],
  ["a list in place of a time", 'data: {"updated_at": [7]}\n\n', [null]],
  ["an event of another name", 'event: other\ndata: {"updated_at": 1}\n\n', []],
  ["comments and fields that are none", ": 1\n\nwhat: 2\n\nretry: x\n\n\u0000\n\n", []],
])("reads %s", async (_name, text, expected) => {
  await using rig = startStream();
  rig.client.last.begin();
  for (const character of text) rig.client.last.say(character);
  await settle();
  await settle();
  expect(rig.changes).toEqual(["gap", ...expected]);
  expect(rig.health).toEqual([true]);
});

it("waits longer each time that a stream does not come to be, up to the limit", async () => {
  await using rig = startStream();
  for (let tries = 1; tries <= 9; tries += 1) {
    expect(rig.client.streams).toHaveLength(tries);
    rig.client.last.refuse(lost);
    await settle();
    await rig.clock.advance(Math.min(60_000, 1000 * 2 ** (tries - 1)) - 1);
    expect(rig.client.streams).toHaveLength(tries);
    await rig.clock.advance(1);
  }
});

it("begins with the first wait again once a stream has lasted, and not before", async () => {
  await using rig = startStream();
  const waitAfter = async (lastedMs: number): Promise<number | undefined> => {
    rig.client.last.begin();
    await rig.clock.advance(lastedMs);
    rig.client.last.end(lost);
    await settle();
    const waitMs = rig.clock.waits.at(-1);
    await rig.clock.advance(60_000);
    return waitMs === undefined ? undefined : Math.round(waitMs);
  };
  expect(await waitAfter(9999)).toBe(1000);
  expect(await waitAfter(9999)).toBe(2000);
  expect(await waitAfter(0)).toBe(4000);
  expect(await waitAfter(10_000)).toBe(1000);
  expect(rig.health).toEqual([true, false, true, false, true, false, true, false]);
  expect(rig.changes).toEqual(["gap", "gap", "gap", "gap"]);
});

it("sends the last event's id, and forgets one that fits into no header", async () => {
  await using rig = startStream();
  const reconnect = async (said: string): Promise<string | null> => {
    rig.client.last.begin();
    rig.client.last.say(said);
    await settle();
    rig.client.last.end();
    await settle();
    await rig.clock.advance(60_000);
    return rig.client.last.request.lastEventId;
  };
  expect(rig.client.last.request.lastEventId).toBe(null);
  expect(await reconnect(`id: 7\n${changeEvent(1)}`)).toBe("7");
  expect(await reconnect(changeEvent(2))).toBe("7");
  expect(await reconnect(`id: 8\n\n`)).toBe("8");
  expect(await reconnect(`id: ü\n${changeEvent(3)}`)).toBe(null);
  expect(await reconnect(`id: ${"9".repeat(257)}\n${changeEvent(3)}`)).toBe(null);
  expect(await reconnect(`id: 10\n${changeEvent(4)}id\n\n`)).toBe(null);
});

it("waits as long as the stream asked for", async () => {
  await using rig = startStream({ random: () => 0 });
  rig.client.last.begin();
  rig.client.last.say("retry: 7000\n\n");
  await settle();
  rig.client.last.end();
  await settle();
  expect(rig.clock.waits.at(-1)).toBeCloseTo(7000);
});

it("waits as long as an answer asked for", async () => {
  await using rig = startStream();
  rig.client.last.refuse(new UpstreamError("server_error", "503", { retryAfterMs: 45_000 }));
  await settle();
  expect(rig.clock.waits.at(-1)).toBe(45_000);
});

it.each([
  ["in one line", ["data: ", "x".repeat(2001)]],
  ["in many lines", Array.from({ length: 30 }, () => `data: ${"x".repeat(100)}\n`)],
])("ends a stream with an event that is too long, %s", async (_name, texts) => {
  await using rig = startStream();
  rig.client.last.begin();
  for (const text of texts) rig.client.last.say(text);
  await settle();
  expect(rig.health).toEqual([true, false]);
  expect(rig.client.last.request.signal.aborted).toBe(true);
  expect(rig.lines.at(-1)?.fields["code"]).toBe("too_large");
});

it("reads no more than so much in a second, however much there is", async () => {
  await using rig = startStream();
  rig.client.last.begin();
  const text = `: ${"x".repeat(1022)}\n`.repeat(64);
  for (let each = 0; each < 3 * 16; each += 1) rig.client.last.say(`${text}\n${changeEvent(each)}`);
  for (let turns = 0; turns < 30; turns += 1) await settle();
  const read = rig.changes.length;
  expect(read).toBeLessThan(20);
  for (let turns = 0; turns < 30; turns += 1) await rig.clock.advance(1000);
  expect(rig.changes).toHaveLength(1 + 3 * 16);
});

test("one line says that a stream is established; its quick ends and returns are no news", async () => {
  await using rig = startStream();
  for (let times = 0; times < 3; times += 1) {
    rig.client.last.begin();
    await rig.clock.advance(20_000);
    rig.client.last.end();
    await rig.clock.advance(1000);
  }
  expect(rig.shown().map(({ level }) => level)).toEqual(["info"]);
});

test("a spell without a stream is a warning for each reason, and a line at its end", async () => {
  await using rig = startStream();
  const refused = new UpstreamError("unexpected_status", "The upstream answered 404");
  for (const error of [lost, lost, lost, refused, lost, refused]) {
    rig.client.last.refuse(error);
    await rig.clock.advance(60_000);
  }
  expect(rig.shown().map(({ level, fields }) => [level, fields["code"], fields["failures"]])).toEqual([
    ["warn", "connection_lost", 2],
    ["warn", "unexpected_status", 4],
  ]);
  expect(rig.shown()[0]?.message).toMatch(/polled at the usual pace: cut\. Check that this host reaches/);
  expect(rig.shown()[1]?.message).toMatch(/404\. Check realtime\.url/);
  // Streams that break at once are no recovery.
  for (let times = 0; times < 3; times += 1) {
    rig.client.last.begin();
    await settle();
    rig.client.last.end(lost);
    await rig.clock.advance(60_000);
  }
  expect(rig.shown()).toHaveLength(2);
  rig.client.last.begin();
  await rig.clock.advance(10_000);
  expect(rig.shown().map(({ level }) => level)).toEqual(["warn", "warn", "info"]);
  expect(JSON.stringify(rig.lines)).not.toContain("client-key-of-the-test");
});

test("a bug is logged with its stack once, and does not end the tries", async () => {
  await using rig = startStream();
  for (let times = 0; times < 3; times += 1) {
    rig.client.last.refuse(new TypeError("a bug"));
    await rig.clock.advance(60_000);
  }
  expect(rig.shown().map(({ level, fields }) => [level, fields["err"]])).toEqual([
    ["error", new TypeError("a bug")],
  ]);
  expect(rig.client.streams).toHaveLength(4);
});

test.each([
  ["connects", () => undefined],
  ["is read", (rig: ReturnType<typeof startStream>) => rig.client.last.begin()],
  ["waits", (rig: ReturnType<typeof startStream>) => rig.client.last.refuse(lost)],
])("a stream that is closed while it %s ends at once, and tells nobody", async (_name, prepare) => {
  const rig = startStream();
  prepare(rig);
  await settle();
  const told = rig.health.length;
  await rig[Symbol.asyncDispose]();
  await rig.clock.advance(600_000);
  expect(rig.client.last.request.signal.aborted).toBe(true);
  expect(rig.health).toHaveLength(told);
  expect(rig.client.streams).toHaveLength(1);
  expect(rig.clock.sleepers).toBe(0);
});
