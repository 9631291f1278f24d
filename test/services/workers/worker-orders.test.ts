/** A worker's end of the line over a real data plane: what it serves, and what it reports. */
import { deserialize, serialize } from "node:v8";
import { expect, test } from "vitest";
import { prepareCors } from "../../../src/cache/cors-headers.ts";
import { SnapshotStore } from "../../../src/cache/snapshot-store.ts";
import type { PackedDocument } from "../../../src/models/packed-document.ts";
import { systemClock } from "../../../src/services/clock.ts";
import { keysOfPair } from "../../../src/services/environments/environment-list.ts";
import { neverRefreshed, type RefreshStatus } from "../../../src/services/environments/refresh-status.ts";
import {
  ServedEnvironments,
  type SlotWatcher,
} from "../../../src/services/environments/served-environments.ts";
import { SnapshotPublisher } from "../../../src/services/environments/snapshot-publisher.ts";
import { documentOrders } from "../../../src/services/workers/document-transfer.ts";
import type { WorkerOrder, WorkerReport } from "../../../src/services/workers/worker-messages.ts";
import { WorkerOrders } from "../../../src/services/workers/worker-orders.ts";
import { packText } from "../../support/packed-text.ts";

/** A worker without its process: two environments, and what it has reported. */
function startOrders() {
  const store = new SnapshotStore();
  const identityCache = { enabled: true, entriesMax: 10, bytesMax: 100_000 };
  const { headerSet } = prepareCors(["*"]);
  const snapshotSettings = () => ({ headerSet, identityCache, answerPlaces: 1000 });
  const publisher = new SnapshotPublisher({ store, snapshotSettings, clock: systemClock });
  const pairs = ["a", "b"].map((name) => ({ clientSideKey: `client-${name}`, serverSideKey: `ser.${name}` }));
  const told: string[] = [];
  const watcher: SlotWatcher = {
    added: () => void told.push("added"),
    removed: () => void told.push("removed"),
    swapped: ({ current }) => void told.push(`swapped to ${current?.environmentName}`),
    announced: (_, version) => void told.push(`announced ${version}`),
  };
  const environments = new ServedEnvironments(store, publisher, systemClock, watcher);
  pairs.forEach((pair, environment) => void environments.setEnvironment(environment, keysOfPair(pair)));
  const reports: WorkerReport[] = [];
  const orders = new WorkerOrders(
    environments,
    (report) => void reports.push(deserialize(serialize(report))),
  );
  const served = (name: string) => environments.resolveKey(`client-${name}`)?.slot.current?.environmentName;
  return {
    take: (order: WorkerOrder) => orders.take(deserialize(serialize(order))),
    reports,
    served,
    told,
    environments,
  };
}

function documentNamed(name: string, features = 1): PackedDocument {
  const states = Array.from({ length: features }, (_, id) => ({
    feature: { id, name: `feature ${id}` },
    enabled: true,
    feature_state_value: "some text of some length",
  }));
  return packText(JSON.stringify({ id: 7, name, api_key: "k", feature_states: states, project: {} }));
}

function ordersOf(transfer: number, environment: number, packed: PackedDocument): WorkerOrder[] {
  return [...documentOrders(transfer, environment, { packed, lastModified: null, receivedAt: new Date(0) })];
}

test("a document is served and reported when its last piece has come, and not before", async () => {
  const worker = startOrders();
  const orders = ordersOf(5, 1, documentNamed("one"));
  for (const order of orders) {
    expect([worker.served("b"), worker.reports]).toEqual([undefined, []]);
    await worker.take(order);
  }
  expect([worker.served("a"), worker.served("b")]).toEqual([undefined, "one"]);
  const report = { environmentName: "one", environmentId: 7, clientKey: "k", counts: { features: 1 } };
  expect(worker.reports).toMatchObject([{ kind: "published", transfer: 5, report }]);
});

test("who waits for changes is told in turn of environments, swaps, announcements and the end", async () => {
  const worker = startOrders();
  for (const order of ordersOf(1, 1, documentNamed("one"))) await worker.take(order);
  await worker.take({ kind: "announce", environment: 1, version: "v" });
  await worker.take({ kind: "remove-environment", environment: 1 });
  await worker.take({ kind: "announce", environment: 1, version: "late" });
  expect(worker.told).toEqual(["added", "added", "swapped to one", "announced v", "removed"]);
  expect(worker.reports.map(({ kind }) => kind)).toEqual(["published"]);
});

test("transfers for several environments may be interleaved", async () => {
  const worker = startOrders();
  const one = ordersOf(1, 0, documentNamed("one", 2000));
  const two = ordersOf(2, 1, documentNamed("two", 2000));
  await Promise.all(one.flatMap((order, at) => [order, two[at] as WorkerOrder]).map(worker.take));
  expect([worker.served("a"), worker.served("b")]).toEqual(["one", "two"]);
  expect(worker.reports.map((report) => "transfer" in report && report.transfer).sort()).toEqual([1, 2]);
});

test("a document that cannot be compiled is refused with its code, and what was served stays", async () => {
  const worker = startOrders();
  for (const order of ordersOf(1, 0, documentNamed("one"))) await worker.take(order);
  const broken = { ...documentNamed("two"), shell: new TextEncoder().encode("{") };
  for (const order of ordersOf(2, 0, broken)) await worker.take(order);
  expect(worker.served("a")).toBe("one");
  const message = "the environment document cannot be compiled";
  expect(worker.reports[1]).toEqual({ kind: "refused", transfer: 2, code: "document_invalid", message });
});

test("a document for an environment that is not there is refused as a bug", async () => {
  const worker = startOrders();
  for (const order of ordersOf(1, 2, documentNamed("one"))) await worker.take(order);
  expect(worker.reports).toEqual([
    { kind: "refused", transfer: 1, code: null, message: "there is no environment 2" },
  ]);
});

test("pieces of a transfer that did not begin here are passed over", async () => {
  const worker = startOrders();
  const [, ...pieces] = ordersOf(1, 0, documentNamed("one"));
  for (const piece of pieces) await worker.take(piece);
  expect(worker.reports).toEqual([]);
});

test("the state of refreshes is taken for its environment alone, times included", async () => {
  const worker = startOrders();
  const status: RefreshStatus = {
    state: "failing",
    reason: "unreachable",
    lastAttemptTime: new Date(2_000),
    lastSuccessTime: new Date(1_000),
    lastSuccessMonotonicMs: 12_345.678,
    joinedMonotonicMs: null,
    consecutiveFailures: 3,
    pollIntervalMs: 60_000,
  };
  await worker.take({ kind: "status", environment: 1, status });
  const [first, second] = worker.environments.healthSources();
  expect(first?.refresh.state).toBe("waiting");
  expect(second?.refresh).toEqual(status);
});

test("more bytes than the document has are refused as a bug, and the rest is passed over", async () => {
  const worker = startOrders();
  const [first, piece] = ordersOf(3, 0, documentNamed("one"));
  await worker.take(first as WorkerOrder);
  const bytes = new Uint8Array(10_000_000);
  await worker.take({ kind: "piece", transfer: 3, bytes });
  await worker.take(piece as WorkerOrder);
  const message = "more bytes came than the document has";
  expect(worker.reports).toEqual([{ kind: "refused", transfer: 3, code: null, message }]);
  expect(worker.served("a")).toBeUndefined();
});

test("a document that memory does not suffice for is refused as a bug", async () => {
  const worker = startOrders();
  const [first] = ordersOf(3, 0, documentNamed("one"));
  if (first?.kind !== "document") throw new Error("a transfer begins with its document");
  const layout = { ...first.document.layout, bufferBytes: [2 ** 53 - 1] };
  await worker.take({ ...first, document: { ...first.document, layout } });
  expect(worker.reports).toEqual([
    { kind: "refused", transfer: 3, code: null, message: expect.stringMatching(/Array/) },
  ]);
});

test("what is told of an environment that is not there any more is passed over", async () => {
  const worker = startOrders();
  await worker.take({ kind: "status", environment: 2, status: neverRefreshed });
  await worker.take({ kind: "remove-environment", environment: 2 });
  expect(worker.reports).toEqual([]);
});

test("an environment that is removed while its document is on its way is gone", async () => {
  const worker = startOrders();
  const [first, ...pieces] = ordersOf(1, 0, documentNamed("one"));
  if (first === undefined) throw new Error("a transfer begins with its document");
  await worker.take(first);
  await worker.take({ kind: "remove-environment", environment: 0 });
  for (const order of pieces) await worker.take(order);
  expect(worker.reports).toEqual([]);
  expect(worker.environments.resolveKey("client-a")).toBeUndefined();
  for (const order of ordersOf(2, 1, documentNamed("two"))) await worker.take(order);
  expect(worker.served("b")).toBe("two");
});

test("an environment that comes later is served, and other keys open it once they are told", async () => {
  const worker = startOrders();
  const keys = keysOfPair({ clientSideKey: "client-c", serverSideKey: "ser.c" });
  await worker.take({ kind: "environment", environment: 7, keys });
  for (const order of ordersOf(1, 7, documentNamed("three"))) await worker.take(order);
  expect(worker.served("c")).toBe("three");
  const rotated = { ...keys, serverKeys: [{ key: "ser.new", expiresAtMs: null }] };
  await worker.take({ kind: "environment", environment: 7, keys: rotated });
  expect(worker.environments.resolveKey("ser.c")).toBeUndefined();
  expect(worker.environments.resolveKey("ser.new")?.slot.current?.environmentName).toBe("three");
});

test("a ping is answered, and health learns when the control plane was alive", async () => {
  const worker = startOrders();
  expect(worker.environments.healthSources()[0]?.controlPlaneHeardMs).toBeNull();
  await worker.take({ kind: "ping", sentMs: 1234 });
  expect(worker.reports).toEqual([{ kind: "pong" }]);
  expect(worker.environments.healthSources()[1]?.controlPlaneHeardMs).toBe(1234);
});
