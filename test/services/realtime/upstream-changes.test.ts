/** Which environments have a stream, and whom word of a change concerns. */
import { expect, it, test } from "vitest";
import type { EnvironmentKeys } from "../../../src/models/environment-keys.ts";
import type { DataPlane } from "../../../src/services/environments/served-environments.ts";
import type { PublishReport } from "../../../src/services/environments/snapshot-publisher.ts";
import { UpstreamChanges } from "../../../src/services/realtime/upstream-changes.ts";
import { createScriptedClient, eventsSettings } from "../../support/event-stream-rig.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { readText } from "../../support/packed-text.ts";
import { changeEvent } from "../../support/realtime-upstream.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

const keysOf = (name: string): EnvironmentKeys => ({
  clientSideKey: `client-${name}`,
  serverKeys: [{ key: `ser.${name}`, expiresAtMs: null }],
});

interface ChangesRig {
  withStreams?: boolean;
  catchUpSpreadMs?: number;
  random?: () => number;
}

function startChanges({ withStreams = true, catchUpSpreadMs = 0, random = () => 0.5 }: ChangesRig = {}) {
  const clock = new FakeClock();
  const client = createScriptedClient();
  const { logger, lines } = createRecordingLogger();
  const refreshes: number[] = [];
  const paces: [number, number | null][] = [];
  const changes = new UpstreamChanges({
    streams: withStreams ? { client, settings: { ...eventsSettings, catchUpSpreadMs } } : null,
    jitterMs: 0,
    refresh: async (environment) => refreshes.push(environment) > 0,
    setPace: (environment, intervalMs) => void paces.push([environment, intervalMs]),
    clock,
    random,
    logger,
  });
  const told: string[] = [];
  const recording: Pick<DataPlane, Exclude<keyof DataPlane, "publish">> = {
    setEnvironmentsKnown: (areKnown) => void told.push(`known ${areKnown}`),
    setDiscoveryStatus: ({ state }) => void told.push(`discovery ${state}`),
    setEnvironment: (environment) => void told.push(`set ${environment}`),
    removeEnvironment: (environment) => void told.push(`remove ${environment}`),
    announce: (environment) => void told.push(`announce ${environment}`),
    setRefreshStatus: (environment) => void told.push(`status ${environment}`),
  };
  const publish = async (environment: number) => {
    told.push(`publish ${environment}`);
    return { updatedAt: new Date(1_000_000) } as PublishReport;
  };
  const plane = changes.watch({ ...recording, publish });
  /** Publishes a document of this id, with this value of `enable_realtime_updates`. */
  const serve = async (environment: number, id: number | null, realtime: unknown) => {
    const project = { enable_realtime_updates: realtime };
    const packed = await readText(JSON.stringify({ id, api_key: "a", feature_states: [], project }));
    await plane.publish(environment, { packed, lastModified: null, receivedAt: new Date(0) });
    await settle();
  };
  return { changes, client, clock, lines, paces, plane, refreshes, serve, told };
}

it("opens a stream where the document asks for one, and closes it where it does no more", async () => {
  const { changes, client, paces, plane, serve, told } = startChanges();
  await using _ = changes;
  plane.setEnvironment(0, keysOf("zero"));
  for (const value of [false, null, undefined, "yes", 1]) await serve(0, 1, value);
  expect(client.streams).toHaveLength(0);
  await serve(0, 1, true);
  await serve(0, 1, true);
  expect(client.streams.map(({ request }) => request.clientKey)).toEqual(["client-zero"]);
  client.last.begin();
  await settle();
  await serve(0, 1, false);
  expect(client.last.request.signal.aborted).toBe(true);
  expect(paces).toEqual([
    [0, 60_000],
    [0, null],
  ]);
  await serve(0, 1, true);
  expect(client.streams).toHaveLength(2);
  expect(told.filter((each) => each === "publish 0")).toHaveLength(9);
});

it("closes the stream of an environment that goes, and asks for no refresh of it", async () => {
  const { changes, client, clock, plane, refreshes, serve } = startChanges();
  await using _ = changes;
  plane.setEnvironment(0, keysOf("zero"));
  await serve(0, 1, true);
  client.last.begin();
  await settle();
  refreshes.length = 0;
  plane.removeEnvironment(0);
  client.last.say(changeEvent(2000.5));
  changes.wanted(null);
  await clock.advance(60_000);
  expect(client.last.request.signal.aborted).toBe(true);
  expect(refreshes).toEqual([]);
  expect(client.streams).toHaveLength(1);
});

it("keeps the stream of an environment that gets other keys", async () => {
  const { changes, client, plane, serve } = startChanges();
  await using _ = changes;
  plane.setEnvironment(0, keysOf("zero"));
  await serve(0, 1, true);
  plane.setEnvironment(0, { ...keysOf("zero"), serverKeys: [{ key: "ser.new", expiresAtMs: null }] });
  await serve(0, 1, true);
  expect(client.streams).toHaveLength(1);
  plane.removeEnvironment(0);
  expect(client.last.request.signal.aborted).toBe(true);
});

it("logs name a stream's environment by the key that is valid now", async () => {
  const { changes, client, clock, lines, plane, serve } = startChanges();
  await using _ = changes;
  const keysWith = (...keys: string[]): EnvironmentKeys => ({
    clientSideKey: "client-zero",
    serverKeys: keys.map((key, at) => ({ key: `ser.long-enough-${key}`, expiresAtMs: at === 0 ? 0 : null })),
  });
  plane.setEnvironment(0, keysWith("0000", "1111"));
  await serve(0, 1, true);
  client.last.begin();
  await settle();
  expect(lines.at(-1)?.fields["environment"]).toBe("ser.…1111");
  plane.setEnvironment(0, keysWith("1111", "2222"));
  client.last.end();
  await clock.advance(1);
  expect(lines.at(-1)?.fields["environment"]).toBe("ser.…2222");
});

it("refreshes after each event, and again while the document is older", async () => {
  const { changes, client, clock, plane, refreshes, serve } = startChanges();
  await using _ = changes;
  plane.setEnvironment(5, keysOf("five"));
  await serve(5, 1, true);
  client.last.begin();
  await clock.advance(1000);
  expect(refreshes).toEqual([5]);
  client.last.say(changeEvent(1000.5));
  await settle();
  await clock.advance(60_000);
  expect(refreshes).toHaveLength(1 + 4);
});

it("spreads the refreshes after all streams came back together, but for that of a change", async () => {
  let drawn = 0;
  const random = () => (++drawn * 0.618_033_988_75) % 1;
  const { changes, client, clock, plane, refreshes, serve } = startChanges({ catchUpSpreadMs: 5000, random });
  await using _ = changes;
  for (let environment = 0; environment < 100; environment += 1) {
    plane.setEnvironment(environment, keysOf(`${environment}`));
    await serve(environment, environment, true);
  }
  for (const stream of client.streams) stream.begin();
  client.streams[42]?.say(changeEvent(1000));
  await clock.advance(0);
  expect(refreshes).toEqual([42]);
  const counts: number[] = [];
  for (let halfSeconds = 0; halfSeconds < 10; halfSeconds += 1) {
    const before = refreshes.length;
    await clock.advance(500);
    counts.push(refreshes.length - before);
  }
  expect(Math.max(...counts)).toBeLessThan(20);
  expect(refreshes.toSorted((left, right) => left - right)).toEqual([...Array(100).keys()]);
});

it("opens no streams where the settings have none, and takes webhooks all the same", async () => {
  const { changes, client, clock, plane, refreshes, serve } = startChanges({ withStreams: false });
  await using _ = changes;
  plane.setEnvironment(0, keysOf("zero"));
  await serve(0, 1, true);
  changes.wanted(1);
  await clock.advance(0);
  expect([client.streams.length, refreshes]).toEqual([0, [0]]);
});

test.each([
  ["the environment with its id", 2, [1]],
  ["all, where nobody names one", null, [0, 1, 2]],
  ["all, where nobody has its id", 77, [0, 1, 2]],
])("a webhook refreshes %s", async (_name, environmentId, expected) => {
  const { changes, clock, plane, refreshes, serve } = startChanges();
  await using _ = changes;
  for (const environment of [0, 1, 2]) plane.setEnvironment(environment, keysOf(`${environment}`));
  await serve(0, 1, false);
  await serve(1, 2, false);
  for (let times = 0; times < 5; times += 1) changes.wanted(environmentId);
  await clock.advance(0);
  expect(refreshes).toEqual(expected);
});

it("hands on all that a data plane is told", async () => {
  const { changes, plane, serve, told } = startChanges();
  await using _ = changes;
  plane.setEnvironment(0, keysOf("zero"));
  plane.setEnvironment(0, keysOf("zero"));
  plane.setEnvironmentsKnown(true);
  await serve(0, 1, false);
  plane.setRefreshStatus(0, {} as never);
  plane.removeEnvironment(0);
  await serve(0, 1, true);
  expect(told).toEqual(["set 0", "set 0", "known true", "publish 0", "status 0", "remove 0", "publish 0"]);
});

it("what is served already, published once more, is not the change that is waited for", async () => {
  const { changes, client, clock, plane, refreshes, serve } = startChanges();
  await using _ = changes;
  plane.setEnvironment(0, keysOf("zero"));
  await serve(0, 1, true);
  client.last.begin();
  await clock.advance(60_000);
  refreshes.length = 0;
  client.last.say(changeEvent(2000.5));
  await clock.advance(0);
  await serve(0, 1, true);
  await clock.advance(60_000);
  expect(refreshes).toHaveLength(4);
});
