/** The control plane's line to a worker, whose process is a fake: what is sent when, and how it ends. */
import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import type { PublishReport } from "../../../src/services/environments/snapshot-publisher.ts";
import { ListenError } from "../../../src/services/listener/http-listener.ts";
import { WorkerChannel, WorkerGoneError } from "../../../src/services/workers/worker-channel.ts";
import type { WorkerOrder, WorkerReport } from "../../../src/services/workers/worker-messages.ts";
import { settle } from "../../support/fake-clock.ts";
import { packText } from "../../support/packed-text.ts";

/** A worker's process: it takes an order when the test says so, and answers what the test says. */
class FakeProcess extends EventEmitter {
  connected = true;
  readonly pid = 4711;
  readonly sent: WorkerOrder[] = [];
  readonly #callbacks: (() => void)[] = [];
  /** Whether orders are taken at once. */
  takesAll = true;

  send(order: WorkerOrder, callback: () => void): boolean {
    this.sent.push(order);
    if (this.takesAll) setImmediate(callback);
    else this.#callbacks.push(callback);
    return true;
  }

  /** Takes what was sent. */
  async take(): Promise<void> {
    for (const callback of this.#callbacks.splice(0)) callback();
    await settle();
  }

  async report(report: WorkerReport): Promise<void> {
    this.emit("message", report);
    await settle();
  }

  /**
   * Ends. What was sent is given up before or after the end is known, as the kernel has it; or never: so it
   * is in Node 26 behind a connection that the worker has not taken.
   */
  async end(givenUp: "before" | "after" | "never"): Promise<void> {
    if (givenUp === "before") {
      this.connected = false;
      await this.take();
    }
    this.connected = givenUp === "after";
    this.emit("exit", null, "SIGKILL");
    await settle();
    this.connected = false;
    if (givenUp === "after") await this.take();
  }
}

function startChannel() {
  const child = new FakeProcess();
  return { child, channel: new WorkerChannel(child as unknown as ChildProcess) };
}

/** Takes what was sent, and what is sent then, until there is no more. */
async function takeAll(child: FakeProcess): Promise<void> {
  for (let before = -1; before < child.sent.length; ) {
    before = child.sent.length;
    await child.take();
    await settle();
  }
}

/** Rejections that nobody handled, from now on: in the program they end the control plane. */
function watchRejections(): unknown[] {
  const unhandled: unknown[] = [];
  const watch = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", watch);
  onTestFinished(() => void process.off("unhandledRejection", watch));
  return unhandled;
}

const members = '"api_key":"k","feature_states":[],"project":{}';
const smallInput: SnapshotInput = {
  packed: packText(`{${members}}`),
  lastModified: null,
  receivedAt: new Date(0),
};
const largeInput: SnapshotInput = {
  ...smallInput,
  packed: packText(`{${members},"x":"${"x".repeat(2_000_000)}"}`),
};
const report: PublishReport = {
  version: "1",
  environmentId: 1,
  environmentName: null,
  clientKey: "k",
  updatedAt: null,
  counts: { features: 0, segments: 0, bytes: 2 },
  refusedPatterns: [],
};

test("a document is published once the worker reports that very transfer", async () => {
  const { child, channel } = startChannel();
  const served: number[] = [];
  const first = channel.publish(0, smallInput).then(() => served.push(1));
  const second = channel.publish(1, smallInput).then(() => served.push(2));
  await takeAll(child);
  const transfers = child.sent.flatMap((order) => (order.kind === "document" ? [order.transfer] : []));
  expect(new Set(transfers).size).toBe(2);
  await child.report({ kind: "published", transfer: transfers[1] ?? 0, report });
  expect(served).toEqual([2]);
  await child.report({ kind: "published", transfer: transfers[0] ?? 0, report });
  await Promise.all([first, second]);
  expect(served).toEqual([2, 1]);
});

test("documents of one environment follow each other; those of others go on", async () => {
  const { child, channel } = startChannel();
  const environmentsSent = async () => {
    await takeAll(child);
    return child.sent.flatMap((order) => (order.kind === "document" ? [order.document.environment] : []));
  };
  const outcomes = Promise.allSettled([0, 0, 0, 1].map((each) => channel.publish(each, smallInput)));
  expect(await environmentsSent()).toEqual([0, 1]);
  await child.report({ kind: "published", transfer: 2, report });
  expect(await environmentsSent()).toEqual([0, 1]);
  await child.report({ kind: "refused", transfer: 1, code: "document_invalid", message: "no" });
  expect(await environmentsSent()).toEqual([0, 1, 0]);
  await child.report({ kind: "published", transfer: 3, report });
  expect(await environmentsSent()).toEqual([0, 1, 0, 0]);
  await child.report({ kind: "published", transfer: 4, report });
  const statuses = (await outcomes).map(({ status }) => status);
  expect(statuses).toEqual(["rejected", "fulfilled", "fulfilled", "fulfilled"]);
});

test("each piece of a document waits until the one before is on its way", async () => {
  const { child, channel } = startChannel();
  child.takesAll = false;
  const publishing = channel.publish(0, largeInput);
  for (let pieces = 1; pieces <= 8; pieces += 1) {
    await settle();
    expect(child.sent).toHaveLength(pieces);
    await child.take();
  }
  await takeAll(child);
  await child.report({ kind: "published", transfer: 1, report });
  expect(await publishing).toEqual(report);
});

test("a refusal has the worker's code and words; without a code it is a bug", async () => {
  const { child, channel } = startChannel();
  const refused = expect(channel.publish(0, smallInput)).rejects.toMatchObject({
    name: "UpstreamError",
    code: "document_invalid",
    message: "no",
  });
  const failed = expect(channel.publish(0, smallInput)).rejects.toMatchObject({
    name: "Error",
    message: "bug",
  });
  await settle();
  await child.report({ kind: "refused", transfer: 1, code: "document_invalid", message: "no" });
  await child.report({ kind: "refused", transfer: 2, code: null, message: "bug" });
  await Promise.all([refused, failed]);
});

test("it listens where the worker says, or cannot for the reason it gives", async () => {
  const good = startChannel();
  const url = good.channel.listen();
  await settle();
  expect(good.child.sent).toEqual([{ kind: "listen" }]);
  await good.child.report({ kind: "listening", url: "http://127.0.0.1:8000" });
  expect(await url).toBe("http://127.0.0.1:8000");
  const bad = startChannel();
  const refusal = bad.channel.listen().catch((error: unknown) => error);
  await bad.child.report({ kind: "cannot-listen", message: "the port is in use" });
  expect(await refusal).toEqual(new ListenError("the port is in use"));
});

const endings = ["before", "after", "never"] as const;

test.each(endings)(
  "a worker that ends while a document is on its way fails that publish alone; given up: %s",
  async (givenUp) => {
    const unhandled = watchRejections();
    const { child, channel } = startChannel();
    child.takesAll = false;
    let outcome: unknown;
    channel.publish(0, largeInput).catch((error: unknown) => {
      outcome = error;
    });
    await child.take();
    await child.end(givenUp);
    await channel.exited;
    await settle();
    expect(outcome).toBeInstanceOf(WorkerGoneError);
    expect(unhandled).toEqual([]);
  },
);

test.each(endings)(
  "a worker that ends before it answers fails all that waits for it; given up: %s",
  async (givenUp) => {
    const unhandled = watchRejections();
    const { child, channel } = startChannel();
    const waiting = [channel.publish(0, smallInput), channel.publish(1, smallInput), channel.listen()];
    const outcomes = Promise.allSettled(waiting);
    await takeAll(child);
    await child.end(givenUp);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { name: "WorkerGoneError" } });
    }
    expect(unhandled).toEqual([]);
  },
);

test("to a worker that is gone nothing is sent, and nobody waits", async () => {
  const unhandled = watchRejections();
  const { child, channel } = startChannel();
  await child.end("before");
  await channel.exited;
  await channel.send({ kind: "drain" });
  await expect(channel.publish(0, smallInput)).rejects.toBeInstanceOf(WorkerGoneError);
  await expect(channel.listen()).rejects.toBeInstanceOf(WorkerGoneError);
  expect(child.sent).toEqual([]);
  expect(unhandled).toEqual([]);
});

test("reports of transfers that nobody waits for change nothing", async () => {
  const { child, channel } = startChannel();
  await child.report({ kind: "published", transfer: 9, report });
  await child.report({ kind: "refused", transfer: 9, code: null, message: "late" });
  const publishing = channel.publish(0, smallInput);
  await settle();
  await child.report({ kind: "published", transfer: 1, report });
  expect(await publishing).toEqual(report);
});
