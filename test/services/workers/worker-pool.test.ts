/** The workers as one data plane, their processes fakes: who is told what, and when. */
import type { ChildProcess } from "node:child_process";
import { expect, test } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import { settingsFrom } from "../../../src/config/load-settings.ts";
import { keysOfPair } from "../../../src/services/environments/environment-list.ts";
import type { PublishReport } from "../../../src/services/environments/snapshot-publisher.ts";
import type { WorkerOrder } from "../../../src/services/workers/worker-messages.ts";
import { WorkerPool } from "../../../src/services/workers/worker-pool.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { FakeProcess } from "../../support/fake-worker-process.ts";
import { packText } from "../../support/packed-text.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

const report = { version: "1" } as PublishReport;
const url = "http://127.0.0.1:41235";

/** Answers all orders at once, unless a test says otherwise. */
class ObedientProcess extends FakeProcess {
  isSilent = false;
  /** Whether it answers, but serves no document in the time of a test. */
  isBusy = false;
  url = url;
  /** Why it cannot listen. */
  listenFault: string | null = null;
  /** Why it refuses documents. */
  refusal: string | null = null;

  override send(order: WorkerOrder, callback: () => void): boolean {
    setImmediate(() => this.#answer(order));
    return super.send(order, callback);
  }

  override kill(signal?: string): boolean {
    if (!this.connected) return false;
    setImmediate(() => void this.end("before"));
    return super.kill(signal);
  }

  #answer(order: WorkerOrder): void {
    if (this.isSilent || !this.connected) return;
    if (order.kind === "ping") this.emit("message", { kind: "pong" });
    if (order.kind === "listen") {
      if (this.listenFault === null) this.emit("message", { kind: "listening", url: this.url });
      else this.emit("message", { kind: "cannot-listen", message: this.listenFault });
    }
    if (order.kind !== "document" || this.isBusy) return;
    const { transfer } = order;
    const { refusal: message } = this;
    if (message === null) this.emit("message", { kind: "published", transfer, report });
    else this.emit("message", { kind: "refused", transfer, code: "document_invalid", message });
  }

  get documents(): number {
    return this.sent.filter(({ kind }) => kind === "document").length;
  }
}

/** What fakes answer, and who they end for, takes some turns. */
async function settleAll(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await settle();
}

interface PoolOptions {
  readonly port?: number;
  readonly prepare?: (process: ObedientProcess, index: number) => void;
}

async function startPool({ port = 0, prepare = () => undefined }: PoolOptions = {}) {
  const clock = new FakeClock();
  const processes: ObedientProcess[] = [];
  const fork = () => {
    const child = new ObedientProcess();
    prepare(child, processes.length);
    child.pid = 1000 + processes.length;
    processes.push(child);
    return child as unknown as ChildProcess;
  };
  const { logger, lines } = createRecordingLogger();
  const settings = settingsFrom({
    environment_key_pairs: [{ client_side_key: "c", server_side_key: "ser.s" }],
    server: { host: "127.0.0.1", port, workers: 2 },
  });
  const pool = new WorkerPool({ settings, fork, takeNotice: () => undefined, clock, logger });
  pool.setEnvironment(0, keysOfPair({ clientSideKey: "client", serverSideKey: "ser.one" }));
  let failure: unknown = null;
  pool.failed.catch((error: unknown) => {
    failure = error;
  });
  const listening = await pool.listen().catch((error: unknown) => error);
  const texts = () => lines.map(({ message }) => message);
  const at = (index: number) => processes[index] as ObedientProcess;
  return { pool, clock, processes, at, texts, listening, failure: () => failure };
}

const input: SnapshotInput = {
  packed: packText('{"api_key":"k","feature_states":[],"project":{}}'),
  lastModified: null,
  receivedAt: new Date(0),
};

test("the youngest worker has a document first; the others get it once it serves", async () => {
  const { pool, at } = await startPool();
  at(1).refusal = "no";
  await expect(pool.publish(0, input)).rejects.toMatchObject({ code: "document_invalid" });
  expect([at(0).documents, at(1).documents]).toEqual([0, 1]);
  at(1).refusal = null;
  await pool.publish(0, input);
  expect([at(0).documents, at(1).documents]).toEqual([1, 2]);
});

test("an announcement goes to all, and a new worker has it after the document", async () => {
  const { pool, at } = await startPool();
  await pool.publish(0, input);
  pool.announce(0, "1");
  const announcement = { kind: "announce", environment: 0, version: "1" };
  for (const index of [0, 1]) expect(at(index).sent.at(-1)).toEqual(announcement);
  await at(0).end("before");
  await settleAll();
  const told = at(2).sent.filter(({ kind }) => kind === "document" || kind === "announce");
  expect(told.map(({ kind }) => kind)).toEqual(["document", "announce"]);
  expect(told.at(-1)).toEqual(announcement);
});

test("a document is published once all have it, or after two seconds for those that are busy", async () => {
  const { pool, at, clock } = await startPool();
  await clock.advance(1000);
  at(0).isBusy = true;
  let isPublished = false;
  const published = pool.publish(0, input).then(() => {
    isPublished = true;
  });
  await settleAll();
  await clock.advance(1999);
  expect([at(0).documents, at(1).documents, isPublished]).toEqual([1, 1, false]);
  await clock.advance(1);
  await published;
});

test("a worker that refuses what another serves is ended, and its successor told of everything", async () => {
  const { pool, at, processes, texts } = await startPool();
  at(0).refusal = "no";
  await pool.publish(0, input);
  await settleAll();
  expect(at(0).killed).toEqual(["SIGKILL"]);
  expect(processes).toHaveLength(3);
  expect(at(2).documents).toBe(1);
  expect(texts().join()).toMatch(/as it refused a document that another serves: no; another takes its place/);
});

test("a document at a moment without workers waits for the replacement", async () => {
  const { pool, at, clock, processes } = await startPool({
    prepare: (child, index) => {
      if (index === 2 || index === 3) child.listenFault = "the port is in use";
    },
  });
  for (const index of [0, 1]) await at(index).end("before");
  await settleAll();
  const published = pool.publish(0, input);
  await clock.advance(90);
  expect(processes).toHaveLength(4);
  await clock.advance(10);
  await settleAll();
  await clock.advance(50);
  expect(await published).toEqual(report);
  expect(processes.map(({ documents }) => documents)).toEqual([0, 0, 0, 0, 1, 1]);
});

test("where none comes, the reason is that there is no worker, not the document", async () => {
  const { pool, at, clock } = await startPool({
    prepare: (child, index) => {
      if (index >= 2) child.isSilent = true;
    },
  });
  for (const index of [0, 1]) await at(index).end("before");
  const published = expect(pool.publish(0, input)).rejects.toMatchObject({ code: "no_worker" });
  await clock.advance(6000);
  await published;
});

test("a worker that does not answer is passed over at once, and ended after eight beats", async () => {
  const { pool, at, clock, texts } = await startPool();
  await clock.advance(1000);
  at(1).isSilent = true;
  const published = pool.publish(0, input);
  await clock.advance(3000);
  expect(await published).toEqual(report);
  expect(at(0).documents).toBe(1);
  await clock.advance(4000);
  expect(at(1).killed).toEqual([]);
  await clock.advance(3000);
  await settleAll();
  expect(at(1).killed).toEqual(["SIGKILL"]);
  expect(at(0).killed).toEqual([]);
  expect(texts().filter((text) => /did not answer for 8 s/.test(text))).toHaveLength(1);
});

test("a control plane that stood still itself takes nobody's silence for a hang", async () => {
  const { at, clock } = await startPool();
  await clock.advance(1000);
  clock.pass(600_000);
  await clock.advance(5000);
  expect([at(0).killed, at(1).killed]).toEqual([[], []]);
});

test("workers that cannot serve are tried again after longer pauses, up to the sixth death", async () => {
  const { clock, at, processes, texts, failure } = await startPool({
    port: 41_235,
    prepare: (child, index) => {
      if (index >= 2) child.listenFault = "the port is in use";
    },
  });
  await at(0).end("before");
  await settleAll();
  for (const pauseMs of [100, 200, 400, 800]) {
    expect(failure()).toBeNull();
    const before = processes.length;
    await clock.advance(pauseMs - 1);
    expect(processes).toHaveLength(before);
    await clock.advance(1);
    await settleAll();
    expect(processes).toHaveLength(before + 1);
  }
  expect(failure()).toMatchObject({ name: "ListenError", message: "the port is in use" });
  expect(texts().filter((text) => text.includes("it cannot serve: the port is in use"))).toHaveLength(4);
});

test("where nobody can listen at the start, that is said at once and nothing is tried again", async () => {
  const { listening, processes } = await startPool({
    prepare: (child) => {
      child.listenFault = "the port is in use";
    },
  });
  expect(listening).toMatchObject({ name: "ListenError" });
  expect(processes).toHaveLength(2);
});

test("with port 0 a successor shares the socket of the others, and takes its number after them", async () => {
  const { at, processes, clock, texts } = await startPool();
  const asked = (index: number) => at(index).sent.find((order) => order.kind === "listen");
  await at(0).end("before");
  await clock.advance(1);
  expect(asked(2)).toEqual({ kind: "listen", port: 0 });
  await Promise.all([at(1).end("before"), at(2).end("before")]);
  await settleAll();
  expect([asked(3), asked(4)]).toEqual(Array.from({ length: 2 }, () => ({ kind: "listen", port: 41_235 })));
  expect(processes).toHaveLength(5);
  expect(texts().join()).not.toMatch(/in place of/);
});

test("a worker that listens elsewhere is ended", async () => {
  const { at, clock, texts } = await startPool({
    prepare: (child, index) => {
      if (index === 2) child.url = "http://127.0.0.1:1";
    },
  });
  await at(0).end("before");
  await clock.advance(1);
  await settleAll();
  expect(at(2).killed).toEqual(["SIGKILL"]);
  expect(texts().join()).toMatch(
    /it listens on http:\/\/127\.0\.0\.1:1 in place of http:\/\/127\.0\.0\.1:41235/,
  );
});

test("a document does not wait for the others any more once the proxy is ending", async () => {
  const { pool, at, clock, processes } = await startPool();
  at(0).isSilent = true;
  const published = pool.publish(0, input);
  await settleAll();
  expect([at(0).documents, at(1).documents]).toEqual([1, 1]);
  const ended = pool[Symbol.asyncDispose]();
  // Without the clock being moved.
  expect(await published).toEqual(report);
  for (const process of processes) await process.end("before");
  await clock.advance(1000);
  await ended;
});
