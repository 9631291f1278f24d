/** Contract B 4.2, row by row, with a scripted upstream on a clock of its own. */
import { expect, it } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
import { EnvironmentDiscovery } from "../../../src/services/environments/environment-discovery.ts";
import { EnvironmentList } from "../../../src/services/environments/environment-list.ts";
import { neverRefreshed, type RefreshStatus } from "../../../src/services/environments/refresh-status.ts";
import { DiscoveredArchive } from "../../../src/services/persistence/discovered-archive.ts";
import { KeptRecords, type RecordStore } from "../../../src/services/persistence/kept-records.ts";
import { listed } from "../../support/discovered.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryStore } from "../../support/memory-store.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

const poll = {
  intervalMs: 10_000,
  jitterRatio: 0.1,
  concurrencyMax: 4,
  unconditionalEveryPolls: 30,
  retryMinMs: 100,
  retryMaxMs: 1000,
};

interface RigOptions {
  readonly pairs?: readonly [string, string][];
  readonly store?: RecordStore | null;
  readonly secret?: string;
  readonly clock?: FakeClock;
  readonly isOffline?: boolean;
}

/** What the data plane was told, and what the upstream answers: a list, its text, or a failure. */
function startRig(options: RigOptions = {}) {
  const { pairs = [], store = null, secret = "secret", clock = new FakeClock(), isOffline = false } = options;
  const { logger, lines } = createRecordingLogger();
  const told: string[] = [];
  const health = { status: neverRefreshed as RefreshStatus, areKnown: true };
  const script: { answer: unknown } = { answer: [] };
  const running = { now: 0, max: 0, asked: 0 };
  const list = new EnvironmentList({
    add: (_, { clientSideKey }) => void told.push(`add ${clientSideKey}`),
    setKeys: (_, { serverKeys }) => void told.push(`keys ${serverKeys.map(({ key }) => key).join(" ")}`),
    remove: (number) => void told.push(`remove ${number}`),
  });
  list.configure(
    pairs.map(([clientSideKey, key]) => ({ clientSideKey, serverKeys: [{ key, expiresAtMs: null }] })),
  );
  told.length = 0;
  const records = new KeptRecords(store ?? new MemoryStore(), logger);
  const discovery = new EnvironmentDiscovery({
    upstream: isOffline ? null : { fetchEnvironments: async () => await fetchEnvironments() },
    list,
    dataPlane: {
      setEnvironmentsKnown: (areKnown) => void Object.assign(health, { areKnown }),
      setDiscoveryStatus: (status) => void Object.assign(health, { status }),
    },
    archive: store === null ? null : new DiscoveredArchive({ records, proxyKey: secret, clock, logger }),
    poll,
    clock,
    random: () => 0.5,
    logger,
  });
  const fetchEnvironments = async () => {
    running.asked += 1;
    running.now += 1;
    running.max = Math.max(running.max, running.now);
    const { answer } = script;
    await clock.sleep(typeof answer === "number" ? answer : 0, new AbortController().signal);
    running.now -= 1;
    if (answer instanceof Error) throw answer;
    const text =
      typeof answer === "string" ? answer : JSON.stringify(typeof answer === "number" ? [] : answer);
    // Characters up to U+00FF stand for bytes, so that a test can send what is not UTF-8.
    return { pages: [[new Uint8Array(Buffer.from(text, "latin1"))]], digest: text };
  };
  const take = () => told.splice(0);
  const next = async (answer: unknown) => {
    script.answer = answer;
    await clock.advance(10_500);
    return take();
  };
  const begin = async (answer: unknown) => {
    script.answer = answer;
    discovery.start();
    await clock.advance(0);
    return take();
  };
  const messages = () => lines.map(({ message }) => message);
  const dispose = () => discovery[Symbol.asyncDispose]();
  return { begin, next, health, clock, lines, messages, running, records, dispose, discovery };
}

const [one, two] = [listed("one", "ser.1"), listed("two", "ser.2")];
const failure = (code: UpstreamError["code"]) => new UpstreamError(code, "planned");

it("asks at once, then at the poll interval with jitter, never twice at once", async () => {
  const rig = startRig();
  await rig.begin(25_000);
  expect(rig.running).toMatchObject({ asked: 1, now: 1 });
  await rig.clock.advance(25_000 + 10_499);
  expect(rig.running.asked).toBe(1);
  await rig.clock.advance(1);
  expect(rig.running).toMatchObject({ asked: 2, max: 1 });
});

it("tells that the first try has ended, well or not", async () => {
  for (const answer of [[], failure("unreachable")]) {
    const rig = startRig();
    let isOver = false;
    void rig.discovery.attempted.then(() => {
      isOver = true;
    });
    await rig.clock.advance(0);
    expect(isOver).toBe(false);
    await rig.begin(answer);
    expect(isOver).toBe(true);
  }
});

it("environments come, go and get other keys; their order changes nothing", async () => {
  const rig = startRig();
  expect(await rig.begin([one])).toEqual(["add one"]);
  expect(await rig.next([two, one])).toEqual(["add two"]);
  expect(await rig.next([one, two])).toEqual([]);
  expect(await rig.next([listed("one", "ser.9", "ser.1"), two])).toEqual(["keys ser.9 ser.1"]);
  expect(await rig.next([listed("one", "ser.1", "ser.9"), two])).toEqual([]);
  expect(await rig.next([two])).toEqual(["remove 0"]);
});

it("keys that are inactive or expired are left out; without another one the environment goes", async () => {
  const rig = startRig();
  const nowMs = rig.clock.wallTime().getTime();
  const soon = { key: "ser.soon", expires_at: new Date(nowMs + 15_000).toISOString() };
  const past = { key: "ser.past", expires_at: new Date(nowMs).toISOString() };
  const off = { key: "ser.off", active: false };
  const offset = { key: "ser.offset", expires_at: "2027-01-01T00:00:00+02:00" };
  const list = [
    listed("one", off, soon, past),
    listed("two", off, past),
    listed("three", offset),
    listed("four"),
  ];
  expect(await rig.begin(list)).toEqual(["add one", "add three"]);
  const passedOver = rig.messages().filter((each) => each.includes("passed over"));
  expect(passedOver).toEqual(
    Array(2).fill("A discovered environment is passed over: none of its server keys is valid"),
  );
  expect(await rig.next(list)).toEqual([]);
  // The same list, later.
  expect(await rig.next(list)).toEqual(["remove 0"]);
  expect(rig.messages().filter((each) => each.includes("not served any more"))).toHaveLength(1);
  expect(rig.messages().filter((each) => each.includes("passed over"))).toHaveLength(2);
  expect(rig.health.status.state).toBe("fresh");
});

it("environments of the settings stay, and who has one of their keys is passed over", async () => {
  const rig = startRig({ pairs: [["own", "ser.own"]] });
  const list = [
    listed("own", "ser.other"),
    listed("thief", "ser.x", "ser.own"),
    listed("ser.own", "ser.y"),
    two,
  ];
  expect(await rig.begin(list)).toEqual(["add two"]);
  expect(await rig.next(list)).toEqual([]);
  expect(await rig.next([])).toEqual(["remove 1"]);
  expect(rig.messages().filter((each) => each.includes("passed over"))).toHaveLength(3);
  expect(await rig.next([])).toEqual([]);
  expect(rig.messages().filter((each) => each.includes("lists no environment"))).toHaveLength(1);
});

it("one that shows its server key as its client key is not opened by that key", async () => {
  const rig = startRig();
  expect(await rig.begin([listed("ser.1", "ser.1")])).toEqual([]);
});

it.each([["unreachable"], ["server_error"], ["key_rejected"], ["not_json"], ["circuit_open"]] as const)(
  "a fetch that failed (%s) removes nothing, and health says so",
  async (code) => {
    const rig = startRig();
    await rig.begin([one]);
    const { lastSuccessTime } = rig.health.status;
    expect(await rig.next(failure(code))).toEqual([]);
    expect(rig.health).toMatchObject({
      areKnown: true,
      status: { state: "failing", reason: code, consecutiveFailures: 1, lastSuccessTime },
    });
    await rig.next(failure(code));
    const warnings = rig.lines.filter(({ level }) => level === "warn");
    expect(warnings).toHaveLength(code === "circuit_open" ? 0 : 1);
    expect(await rig.next([two])).toEqual(["remove 0", "add two"]);
    expect(rig.health.status).toMatchObject({ state: "fresh", reason: null, consecutiveFailures: 0 });
  },
);

it.each([
  ["no JSON", "[{", "not_json"],
  ["nothing", "", "not_json"],
  ["no UTF-8", `[{"client_side_key":"one","server_side_keys":[],"name":"\xff"}]`, "not_json"],
  ["an object", {}, "list_invalid"],
  ["a list of texts", ["one"], "list_invalid"],
  ["an entry without a client key", [{ ...one, client_side_key: undefined }], "list_invalid"],
  ["an entry with an empty client key", [{ ...one, client_side_key: " " }], "list_invalid"],
  ["an entry without server keys", [{ ...one, server_side_keys: null }], "list_invalid"],
  [
    "a key that does not say whether it is active",
    [{ ...one, server_side_keys: [{ key: "ser.1" }] }],
    "list_invalid",
  ],
  ["a key that breaks a header", [listed("one", "ser.\r\nx: y")], "list_invalid"],
  ["an expiry that is no time", [listed("one", { key: "ser.1", expires_at: "soon" })], "list_invalid"],
])("%s is refused as a whole", async (_, answer, reason) => {
  const rig = startRig();
  await rig.begin([one, two]);
  const list = Array.isArray(answer) ? [...answer, two] : answer;
  expect(await rig.next(list)).toEqual([]);
  expect(rig.health.status).toMatchObject({ state: "failing", reason });
  expect(JSON.stringify(rig.lines)).not.toMatch(/ser\.1|soon|x: y/);
});

it.each([["2999-01-01T00:00:00Z"], ["2999-01-01t00:00:00.5z"], ["2999-12-31T23:59:60+00:00"]])(
  "an expiry may be written as RFC 3339 lets it: %s",
  async (expires_at) => {
    const rig = startRig();
    expect(await rig.begin([listed("one", { key: "ser.1", expires_at })])).toEqual(["add one"]);
  },
);

it("what nobody reads may be missing or odd", async () => {
  const rig = startRig();
  const entry = {
    client_side_key: " one ",
    name: 7,
    server_side_keys: [{ key: "abc", active: true, x: 1 }],
    y: 2,
  };
  expect(await rig.begin([entry])).toEqual(["add one"]);
});

it("tries again soon without a list, at the interval with one, and after a pause as asked", async () => {
  const rig = startRig();
  await rig.begin(failure("server_error"));
  expect(rig.health.areKnown).toBe(false);
  await rig.clock.advance(105 + 210);
  expect(rig.running.asked).toBe(3);
  await rig.next([one]);
  expect(rig.health.areKnown).toBe(true);
  const { asked } = rig.running;
  await rig.next(new UpstreamError("rate_limited", "planned", { retryAfterMs: 60_000 }));
  expect(rig.running.asked).toBe(asked + 1);
  await rig.clock.advance(50_000);
  expect(rig.running.asked).toBe(asked + 1);
  await rig.clock.advance(13_000);
  expect(rig.running.asked).toBe(asked + 2);
});

it("a list that was kept is served at once, and what has left the upstream's list goes then", async () => {
  const store = new MemoryStore();
  const clock = new FakeClock();
  const first = startRig({ store, clock });
  await first.begin([one, two]);
  await clock.advance(120_000);
  await first.dispose();
  const bytes = store.bytesOf("@discovered") ?? new Uint8Array();
  expect(Buffer.from(bytes).toString("latin1")).not.toMatch(/ser\.|one/);
  clock.pass(1000);
  const second = startRig({ store, clock });
  expect(await second.begin(failure("unreachable"))).toEqual(["add one", "add two"]);
  expect(second.health).toMatchObject({
    areKnown: true,
    status: { state: "archived", reason: "unreachable" },
  });
  // Confirmed within the last minute and a poll, not when it was written.
  const { lastSuccessMonotonicMs } = second.health.status;
  expect(clock.monotonicMs() - (lastSuccessMonotonicMs ?? 0)).toBeLessThan(75_000);
  expect(await second.next([two])).toEqual(["remove 0"]);
  expect(second.health.status.state).toBe("fresh");
  expect(second.messages().filter((each) => each.includes("were discovered last"))).toHaveLength(1);
  expect(second.messages().filter((each) => each.includes("was discovered, and is"))).toEqual([]);
});

it("what has expired since a list was kept ends no environment before another list does", async () => {
  const store = new MemoryStore();
  const clock = new FakeClock();
  const expires_at = new Date(clock.wallTime().getTime() + 5000).toISOString();
  const first = startRig({ store, clock });
  await first.begin([listed("one", { key: "ser.1", expires_at })]);
  await first.dispose();
  clock.pass(60_000);
  const second = startRig({ store, clock });
  expect(await second.begin(failure("unreachable"))).toEqual(["add one"]);
  expect(await second.next([listed("one", { key: "ser.1", expires_at })])).toEqual(["remove 0"]);
});

it("a note of the last confirmation that is damaged is none", async () => {
  const store = new MemoryStore();
  const clock = new FakeClock();
  const first = startRig({ store, clock });
  await first.begin([one]);
  await clock.advance(120_000);
  await first.dispose();
  await store.put("@discovered-confirmed", Buffer.from("99999999999999999"));
  const second = startRig({ store, clock });
  expect(await second.begin(failure("unreachable"))).toEqual(["add one"]);
  const { lastSuccessMonotonicMs } = second.health.status;
  expect(clock.monotonicMs() - (lastSuccessMonotonicMs ?? 0)).toBeGreaterThan(119_000);
});

it("the log says why an environment is not served, and of whom", async () => {
  const rig = startRig({ pairs: [["own", "ser.own"]] });
  await rig.begin([one]);
  await rig.next([listed("one", "ser.1", "ser.own"), two, listed("two", "ser.long-enough-3333")]);
  const collision = "another one that is served has one of its keys";
  expect(rig.messages().filter((each) => each.includes(collision))).toEqual([
    `An environment is not served any more: ${collision}`,
    `A discovered environment is passed over: ${collision}`,
  ]);
  expect(rig.lines.at(-1)?.fields["serverKeys"]).toEqual(["ser.…3333"]);
});

it("a key that is listed twice is valid for as long as one entry says", async () => {
  const rig = startRig();
  const expires_at = new Date(rig.clock.wallTime().getTime() + 5000).toISOString();
  const list = [listed("one", { key: "ser.1", expires_at: null }, { key: "ser.1", expires_at })];
  expect(await rig.begin(list)).toEqual(["add one"]);
  expect(await rig.next(list)).toEqual([]);
});

it.each(["another key", "a changed byte", "a short entry"])(
  "a kept list is not used after %s",
  async (what) => {
    const store = new MemoryStore();
    const first = startRig({ store });
    await first.begin([one]);
    await first.dispose();
    const bytes = store.bytesOf("@discovered") ?? new Uint8Array();
    if (what === "a changed byte") bytes[40] = (bytes[40] ?? 0) ^ 1;
    if (what === "a short entry") await store.put("@discovered", bytes.slice(0, 20));
    const second = startRig({ store, secret: what === "another key" ? "other" : "secret" });
    expect(await second.begin(failure("unreachable"))).toEqual([]);
    expect(second.health.areKnown).toBe(false);
    expect(second.messages().filter((each) => each.includes("is not used"))).toHaveLength(1);
  },
);

it("offline the kept list stands, and without one all environments are known", async () => {
  const store = new MemoryStore();
  const first = startRig({ store });
  await first.begin([one]);
  await first.dispose();
  const second = startRig({ store, isOffline: true });
  expect(await second.begin([])).toEqual(["add one"]);
  expect(second.health).toMatchObject({ areKnown: true, status: { state: "archived" } });
  const third = startRig({ isOffline: true });
  expect(await third.begin([])).toEqual([]);
  expect(third.health).toEqual({ areKnown: true, status: neverRefreshed });
});

it("a disk that fails is one warning, and the list is written once it can be", async () => {
  const store = new MemoryStore();
  const { del, get } = store;
  let isFull = true;
  const put = async (key: string, bytes: Uint8Array) => {
    if (isFull) throw new Error("the disk is full");
    await store.put(key, bytes);
  };
  const rig = startRig({ store: { put, del, get } });
  await rig.begin([one]);
  await rig.clock.advance(200_000);
  expect(rig.messages().filter((each) => each.includes("cannot be kept"))).toHaveLength(1);
  expect(rig.health.status.state).toBe("fresh");
  isFull = false;
  await rig.clock.advance(75_000);
  expect(store.bytesOf("@discovered")).toBeDefined();
  expect(rig.messages().filter((each) => each.includes("are kept on disk again"))).toHaveLength(1);
});

it("another interval counts at once, also for a wait that has begun, counted from its start", async () => {
  const rig = startRig();
  await rig.begin([one]);
  const { asked } = rig.running;
  await rig.clock.advance(3000);
  rig.discovery.setPoll({ ...poll, intervalMs: 4000 });
  await rig.clock.advance(1100);
  expect(rig.running.asked).toBe(asked);
  await rig.clock.advance(200);
  expect(rig.running.asked).toBe(asked + 1);
});
