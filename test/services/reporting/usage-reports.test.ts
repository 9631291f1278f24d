/** Contract B 4.4, row by row, with a scripted upstream on a clock of its own. */
import { expect, it } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
import type { UsageRow } from "../../../src/models/usage.ts";
import { encodeChecked } from "../../../src/services/persistence/checked-text.ts";
import { KeptRecords } from "../../../src/services/persistence/kept-records.ts";
import { StoreUnavailableError } from "../../../src/services/persistence/store-errors.ts";
import { UsageArchive } from "../../../src/services/persistence/usage-archive.ts";
import { UsageReports } from "../../../src/services/reporting/usage-reports.ts";
import { totalsMax } from "../../../src/services/reporting/usage-totals.ts";
import type { UsageBatch, UsageVerdict } from "../../../src/services/upstream/usage-request.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { MemoryStore } from "../../support/memory-store.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

const row = (client_side_key: string, count: number, resource: UsageRow["resource"] = "flags") => ({
  client_side_key,
  resource,
  count,
});

const taken: UsageVerdict = { isTaken: true };
const failure = (code: UpstreamError["code"], retryAfterMs: number | null = null) =>
  new UpstreamError(code, "planned", { retryAfterMs });

type Answer = (batch: UsageBatch, signal?: AbortSignal) => Promise<UsageVerdict> | UsageVerdict;

/** A report each 60 s without jitter. The batches are named `1.1`, `1.2` and so on after the rig's number. */
function startRig({ store = null as MemoryStore | null, clock = new FakeClock(), rig = 1 } = {}) {
  const { logger, lines } = createRecordingLogger();
  const sent: UsageBatch[] = [];
  const script: { answer: Answer } = { answer: () => taken };
  const records = new KeptRecords(store ?? new MemoryStore(), logger);
  let ids = 0;
  const reports = new UsageReports({
    upstream: {
      sendUsage: async (batch, signal) => {
        signal?.throwIfAborted();
        sent.push(structuredClone(batch) as UsageBatch);
        return await script.answer(batch, signal);
      },
    },
    archive: store === null ? null : new UsageArchive({ records, clock, logger }),
    flushIntervalMs: 60_000,
    poll: { jitterRatio: 0 },
    clock,
    random: () => 0,
    createId: () => `${rig}.${++ids}`,
    logger,
  });
  reports.start();
  const fail = (error: Error) => {
    script.answer = () => {
      throw error;
    };
  };
  const dispose = () => reports[Symbol.asyncDispose]();
  const messages = () => lines.map(({ message }) => message);
  return { reports, clock, sent, script, fail, dispose, lines, messages };
}

const kept = (store: MemoryStore) => {
  const bytes = store.bytesOf("@usage");
  if (bytes === undefined) return null;
  return JSON.parse(Buffer.from(bytes).toString().split("\n")[1] ?? "") as {
    batches: UsageBatch[];
    rows: UsageRow[];
  };
};

it("adds up what it is told, and reports it after each interval, the first time too", async () => {
  const { reports, clock, sent } = startRig();
  reports.add([row("a", 2), row("a", 1, "identities")]);
  reports.add([row("b", 4, "environment-document"), row("a", 3)]);
  await clock.advance(59_999);
  expect(sent).toEqual([]);
  await clock.advance(1);
  const rows = [row("a", 5), row("a", 1, "identities"), row("b", 4, "environment-document")];
  expect(sent).toEqual([{ id: "1.1", rows }]);
  await clock.advance(60_000);
  expect(sent).toHaveLength(1);
  reports.add([row("a", 1)]);
  await clock.advance(60_000);
  expect(sent[1]).toEqual({ id: "1.2", rows: [row("a", 1)] });
});

it("sends no more than a thousand rows at once, each batch under a key of its own", async () => {
  const { reports, clock, sent } = startRig();
  reports.add(Array.from({ length: 2001 }, (_, index) => row(`key${index}`, 1)));
  await clock.advance(60_000);
  expect(sent.map(({ id, rows }) => [id, rows.length])).toEqual([
    ["1.1", 1000],
    ["1.2", 1000],
    ["1.3", 1],
  ]);
  expect(new Set(sent.flatMap(({ rows }) => rows.map((each) => each.client_side_key))).size).toBe(2001);
});

it.each(["server_error", "unreachable", "timeout", "circuit_open"] as const)(
  "after %s the same batch is sent again under the same key, and nothing is drained meanwhile",
  async (code) => {
    const { reports, clock, sent, script, fail, messages } = startRig();
    fail(failure(code));
    reports.add([row("a", 2)]);
    await clock.advance(60_000);
    reports.add([row("a", 3), row("b", 1)]);
    await clock.advance(120_000);
    expect(sent).toEqual(Array(3).fill({ id: "1.1", rows: [row("a", 2)] }));
    expect(messages().filter((each) => each.includes("not reported"))).toHaveLength(
      code === "circuit_open" ? 0 : 1,
    );
    script.answer = () => taken;
    await clock.advance(60_000);
    expect(sent.slice(3)).toEqual([{ id: "1.1", rows: [row("a", 2)] }]);
    await clock.advance(60_000);
    expect(sent.slice(4)).toEqual([{ id: "1.2", rows: [row("a", 3), row("b", 1)] }]);
    expect(messages().filter((each) => each.includes("reported again"))).toHaveLength(
      code === "circuit_open" ? 0 : 1,
    );
  },
);

it("of several batches those that were taken are not sent again", async () => {
  const { reports, clock, sent, script } = startRig();
  reports.add(Array.from({ length: 1001 }, (_, index) => row(`key${index}`, 1)));
  script.answer = ({ id }) => {
    if (id === "1.2" && sent.length < 3) throw failure("server_error");
    return taken;
  };
  await clock.advance(120_000);
  expect(sent.map(({ id }) => id)).toEqual(["1.1", "1.2", "1.2"]);
});

it("a batch that is refused is dropped with one line, and the next one is sent", async () => {
  const { reports, clock, sent, script, lines } = startRig();
  reports.add(Array.from({ length: 1001 }, (_, index) => row(`key${index}`, 2)));
  script.answer = ({ id }) => (id === "1.1" ? { isTaken: false, status: 400 } : taken);
  await clock.advance(180_000);
  expect(sent.map(({ id }) => id)).toEqual(["1.1", "1.2"]);
  const warnings = lines.filter(({ level }) => level === "warn");
  expect(warnings.map(({ fields }) => fields)).toEqual([{ status: 400, answers: 2000 }]);
});

it("a pause that the upstream asked for is kept", async () => {
  const { reports, clock, sent, fail } = startRig();
  fail(failure("server_error", 200_000));
  reports.add([row("a", 1)]);
  await clock.advance(60_000 + 199_999);
  expect(sent).toHaveLength(1);
  await clock.advance(1);
  expect(sent).toHaveLength(2);
});

it("a batch is on disk before it is sent, with what came meanwhile, until the upstream has it", async () => {
  const store = new MemoryStore();
  const { reports, clock, script } = startRig({ store });
  const seen: unknown[] = [];
  script.answer = () => {
    seen.push(kept(store));
    if (seen.length < 3) throw failure("server_error");
    return taken;
  };
  reports.add([row("a", 1)]);
  await clock.advance(60_000);
  reports.add([row("a", 2)]);
  await clock.advance(120_000);
  const batches = [{ id: "1.1", rows: [row("a", 1)] }];
  expect(seen).toEqual([
    { batches, rows: [] },
    { batches, rows: [row("a", 2)] },
    { batches, rows: [row("a", 2)] },
  ]);
  expect(kept(store)).toEqual({ batches: [], rows: [row("a", 2)] });
  await clock.advance(60_000);
  expect(kept(store)).toBeNull();
});

it("a batch waits for a disk that is slow, and what is written there does not queue up", async () => {
  const store = new MemoryStore();
  const clock = new FakeClock();
  const never = new AbortController().signal;
  let writes = 0;
  const slow = async (write: () => Promise<void>) => {
    writes += 1;
    await clock.sleep(50_000, never);
    await write();
  };
  const { reports, script } = startRig({
    clock,
    store: Object.assign(Object.create(store) as MemoryStore, {
      put: (key: string, bytes: Uint8Array) => slow(() => store.put(key, bytes)),
      del: (key: string) => slow(() => store.del(key)),
    }),
  });
  const wereKept: boolean[] = [];
  script.answer = ({ id }) => {
    wereKept.push(kept(store)?.batches[0]?.id === id);
    return taken;
  };
  for (let flush = 0; flush < 30; flush += 1) {
    reports.add([row("a", 1)]);
    await clock.advance(60_000);
  }
  expect(wereKept.length).toBeGreaterThan(8);
  expect(new Set(wereKept)).toEqual(new Set([true]));
  await clock.advance(240_000);
  const written = writes;
  await clock.advance(240_000);
  expect(writes).toBe(written);
  expect(kept(store)).toBeNull();
});

it("after a kill what was kept is sent at once, under the same key, and no count of it is lost", async () => {
  const store = new MemoryStore();
  const first = startRig({ store });
  first.fail(failure("server_error"));
  first.reports.add([row("a", 1)]);
  await first.clock.advance(60_000);
  first.reports.add([row("a", 2), row("b", 1)]);
  await first.clock.advance(60_000);
  // As SIGKILL leaves it.
  const second = startRig({ store: new MemoryStore(store), rig: 2 });
  await second.clock.advance(0);
  expect(second.sent).toEqual([{ id: "1.1", rows: [row("a", 1)] }]);
  second.reports.add([row("b", 4)]);
  await second.clock.advance(60_000);
  expect(second.sent.slice(1)).toEqual([{ id: "2.1", rows: [row("a", 2), row("b", 5)] }]);
});

it("an end sends what is left, what was pending first", async () => {
  const store = new MemoryStore();
  const { reports, clock, sent, script, fail, dispose, messages } = startRig({ store });
  fail(failure("unreachable"));
  reports.add([row("a", 1)]);
  await clock.advance(60_000);
  reports.add([row("a", 2)]);
  script.answer = () => taken;
  await dispose();
  expect(sent.slice(1).map(({ id, rows }) => [id, rows[0]?.count])).toEqual([
    ["1.1", 1],
    ["1.2", 2],
  ]);
  expect(kept(store)).toBeNull();
  expect(messages().filter((each) => each.includes("for the next start"))).toEqual([]);
});

it("an end waits for an upstream that says nothing no longer than a while, and keeps all", async () => {
  const store = new MemoryStore();
  const { reports, clock, sent, script, dispose, messages } = startRig({ store });
  script.answer = (_, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  reports.add([row("a", 1)]);
  await clock.advance(60_000);
  reports.add([row("a", 2)]);
  let isOver = false;
  const ended = dispose().then(() => {
    isOver = true;
  });
  await clock.advance(1000);
  expect(isOver).toBe(false);
  await clock.advance(10_000);
  await ended;
  expect(sent).toHaveLength(1);
  expect(kept(store)).toEqual({ batches: [{ id: "1.1", rows: [row("a", 1)] }], rows: [row("a", 2)] });
  expect(messages()).toEqual(["Usage that is not reported yet is kept for the next start"]);
});

it("an end that is cut waits no longer", async () => {
  const { reports, clock, script, dispose, messages } = startRig();
  script.answer = (_, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  reports.add([row("a", 1)]);
  const ended = dispose();
  await settle();
  reports.cut();
  await ended;
  expect(clock.monotonicMs()).toBe(0);
  expect(messages()).toEqual(["Usage that is not reported yet is lost: it could not be kept on disk"]);
});

it("an end says what is lost where the disk takes nothing", async () => {
  const { reports, fail, dispose, messages } = startRig({ store: new MemoryStore(undefined, 0) });
  fail(failure("unreachable"));
  reports.add([row("a", 1)]);
  await settle();
  await dispose();
  expect(messages().at(-1)).toBe("Usage that is not reported yet is lost: it could not be kept on disk");
});

it("what is damaged on disk is not reported, and said", async () => {
  const store = new MemoryStore();
  await store.put("@usage", Buffer.from('0000\n{"batches":[],"rows":[]}'));
  const { clock, sent, messages } = startRig({ store });
  await clock.advance(0);
  expect(sent).toEqual([]);
  expect(messages()).toEqual(["Usage that was kept on disk is damaged, and is not reported"]);
});

it("a disk that does not answer holds nothing up, and what is on it is not overwritten", async () => {
  const store = new MemoryStore();
  const first = startRig({ store });
  first.fail(failure("server_error"));
  first.reports.add([row("a", 1)]);
  await first.clock.advance(60_000);
  const before = kept(store);
  const silent = new MemoryStore(store);
  silent.get = () => new Promise(() => undefined);
  const second = startRig({ store: silent, rig: 2 });
  second.reports.add([row("b", 1)]);
  await second.clock.advance(80_000);
  expect(second.sent).toEqual([{ id: "2.1", rows: [row("b", 1)] }]);
  expect(kept(silent)).toEqual(before);
});

it("what a process leaves that still has the store is taken once it can be read", async () => {
  const store = new MemoryStore();
  const get = store.get;
  store.get = () => Promise.reject(new StoreUnavailableError("another process has it", "locked"));
  const second = startRig({ store, rig: 2 });
  second.reports.add([row("a", 1)]);
  second.fail(failure("unreachable"));
  await second.clock.advance(60_000);
  expect(kept(store)).toBeNull();
  // The other one writes its last, and ends.
  await store.put("@usage", encodeChecked(JSON.stringify({ batches: [], rows: [row("b", 5)] })));
  store.get = get;
  second.script.answer = () => taken;
  await second.clock.advance(60_000);
  await second.clock.advance(60_000);
  const answers = second.sent.flatMap(({ rows }) => rows);
  expect(answers).toContainEqual(row("b", 5));
  expect(kept(store)).toBeNull();
  await second.dispose();
});

it("what there is no room to count is told, once an hour and at the end", async () => {
  const { reports, clock, fail, dispose, lines } = startRig();
  const lost = () =>
    lines.flatMap((each) => (each.message.startsWith("Usage is lost") ? [each.fields["answers"]] : []));
  fail(failure("server_error"));
  reports.add([row("first", 1)]);
  await clock.advance(60_000);
  reports.add(Array.from({ length: totalsMax }, (_, index) => row(`key${index}`, 1)));
  await clock.advance(60_000);
  expect(lost()).toEqual([]);
  reports.add([row("one more", 2), row("another", 3), row("key0", 4)]);
  await clock.advance(60_000);
  expect(lost()).toEqual([5]);
  reports.add([row("one more", 1)]);
  await clock.advance(3_540_000);
  expect(lost()).toEqual([5]);
  await clock.advance(60_000);
  expect(lost()).toEqual([5, 1]);
  reports.add([row("one more", 7)]);
  await dispose();
  expect(lost()).toEqual([5, 1, 7]);
});
