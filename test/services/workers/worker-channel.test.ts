/** The control plane's line to a worker, whose process is a fake: what is sent when, and how it ends. */
import type { ChildProcess } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import { neverRefreshed } from "../../../src/services/environments/refresh-status.ts";
import type { PublishReport } from "../../../src/services/environments/snapshot-publisher.ts";
import { ListenError } from "../../../src/services/listener/http-listener.ts";
import { WorkerChannel } from "../../../src/services/workers/worker-channel.ts";
import { WorkerGoneError } from "../../../src/services/workers/worker-end.ts";
import { settle } from "../../support/fake-clock.ts";
import { FakeProcess } from "../../support/fake-worker-process.ts";
import { packText } from "../../support/packed-text.ts";

function startChannel() {
  const child = new FakeProcess();
  const channel = new WorkerChannel(child as unknown as ChildProcess, () => undefined);
  for (const environment of [0, 1])
    channel.setEnvironment(environment, { clientSideKey: "k", serverKeys: [] });
  child.sent.splice(0);
  return { child, channel };
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
  const outcomes = Promise.allSettled([0, 0, 1].map((each) => channel.publish(each, smallInput)));
  expect(await environmentsSent()).toEqual([0, 1]);
  await child.report({ kind: "published", transfer: 2, report });
  expect(await environmentsSent()).toEqual([0, 1]);
  await child.report({ kind: "refused", transfer: 1, code: "document_invalid", message: "no" });
  expect(await environmentsSent()).toEqual([0, 1, 0]);
  await child.report({ kind: "published", transfer: 3, report });
  const statuses = (await outcomes).map(({ status }) => status);
  expect(statuses).toEqual(["rejected", "fulfilled", "fulfilled"]);
});

test("of documents and states that came while one was on its way, the newest are sent in order", async () => {
  const { child, channel } = startChannel();
  const first = channel.publish(0, smallInput);
  const others = [1, 2, 3].map((ms) => {
    channel.setRefreshStatus(0, { ...neverRefreshed, consecutiveFailures: ms });
    return channel.publish(0, { ...smallInput, receivedAt: new Date(ms) });
  });
  await takeAll(child);
  const before = child.sent.length;
  expect(child.sent.filter(({ kind }) => kind === "status")).toEqual([]);
  await child.report({ kind: "published", transfer: 1, report });
  await takeAll(child);
  const [order] = child.sent.slice(before);
  expect(order).toMatchObject({ kind: "document", transfer: 2, document: { receivedAt: new Date(3) } });
  await child.report({ kind: "published", transfer: 2, report });
  expect(await Promise.all([first, ...others])).toEqual([report, report, report, report]);
  await takeAll(child);
  expect(child.sent.at(-1)).toMatchObject({ kind: "status", status: { consecutiveFailures: 3 } });
  expect(child.sent.filter(({ kind }) => kind === "document")).toHaveLength(2);
});

test("silence is counted in beats from the first unanswered one; one ping is sent at a time", async () => {
  const { child, channel } = startChannel();
  expect([channel.pulse.beat(0), channel.pulse.isSilent, channel.pulse.hasAnswered]).toEqual([
    0,
    false,
    false,
  ]);
  expect([channel.pulse.beat(1000), channel.pulse.beat(2000), channel.pulse.isSilent]).toEqual([1, 2, true]);
  expect(child.sent).toEqual([{ kind: "ping", sentMs: 0 }]);
  await child.report({ kind: "pong" });
  expect([channel.pulse.isSilent, channel.pulse.hasAnswered]).toEqual([false, true]);
  expect(channel.pulse.beat(3000)).toBe(0);
  expect(child.sent.at(-1)).toEqual({ kind: "ping", sentMs: 3000 });
});

test("the end says what the worker was ended for first, and whether it was trying a document", async () => {
  const { child, channel } = startChannel();
  const trial = channel.try(0, smallInput).catch((error: unknown) => error);
  channel.kill("it did not answer");
  channel.kill("another reason");
  expect(child.killed).toEqual(["SIGKILL", "SIGKILL"]);
  await child.end("after");
  const end = { code: null, signal: "SIGKILL", killedFor: "it did not answer", wasTrying: true };
  expect(await channel.exited).toEqual(end);
  expect(await trial).toMatchObject({ name: "WorkerGoneError", end });
});

test("a worker that cannot carry out an order is ended; one that cannot be started has ended", async () => {
  const failing = startChannel();
  await failing.child.report({ kind: "failed", message: "there is no environment 9" });
  await failing.child.end("after");
  expect((await failing.channel.exited).killedFor).toBe("it failed: there is no environment 9");
  const absent = startChannel();
  absent.child.pid = undefined;
  absent.child.emit("error", new Error("spawn EAGAIN"));
  expect((await absent.channel.exited).killedFor).toBe("it could not be started: spawn EAGAIN");
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
  const url = good.channel.listen(8000);
  await settle();
  expect(good.child.sent).toEqual([{ kind: "listen", port: 8000 }]);
  await good.child.report({ kind: "listening", url: "http://127.0.0.1:8000" });
  expect(await url).toBe("http://127.0.0.1:8000");
  const bad = startChannel();
  const refusal = bad.channel.listen(8000).catch((error: unknown) => error);
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
    const waiting = [channel.publish(0, smallInput), channel.publish(1, smallInput), channel.listen(8000)];
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
  await expect(channel.listen(8000)).rejects.toBeInstanceOf(WorkerGoneError);
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

test("a worker that lags is not ended for a newer document that nobody serves", async () => {
  const { child, channel } = startChannel();
  const another = (text: string) => ({ ...smallInput, packed: packText(`{${members},"x":"${text}"}`) });
  const transfers = () => child.sent.flatMap((order) => (order.kind === "document" ? [order.transfer] : []));
  void channel.deliver(0, smallInput);
  await takeAll(child);
  const delivered = channel.deliver(0, another("served"));
  const trial = channel.try(0, another("refused")).catch((error: unknown) => error);
  await child.report({ kind: "published", transfer: transfers()[0] ?? 0, report });
  await takeAll(child);
  const message = "no";
  await child.report({ kind: "refused", transfer: transfers()[1] ?? 0, code: "document_invalid", message });
  expect(await trial).toMatchObject({ code: "document_invalid" });
  await takeAll(child);
  await child.report({ kind: "published", transfer: transfers()[2] ?? 0, report });
  await delivered;
  expect(child.killed).toEqual([]);
});

test("of an environment that is gone nothing is sent", async () => {
  const { child, channel } = startChannel();
  channel.removeEnvironment(0);
  const { length } = child.sent;
  await expect(channel.try(0, smallInput)).rejects.toMatchObject({ name: "EnvironmentGoneError" });
  await channel.deliver(0, smallInput);
  channel.setRefreshStatus(0, neverRefreshed);
  await takeAll(child);
  expect(child.sent).toHaveLength(length);
});
