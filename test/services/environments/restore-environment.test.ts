/** What a new process serves before its upstream has answered, and what it believes of it then. */
import { expect, it } from "vitest";
import { documentText, feature } from "../../support/contract-documents.ts";
import { ask } from "../../support/contract-requests.ts";
import { type ControlRig, fetchedOf, startControlRig } from "../../support/control-rig.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryStore } from "../../support/memory-store.ts";

const whole = documentText({ features: [1, 2, 3, 4].map((id) => feature(id, `f${id}`)) });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Answers the fetch that is to come, and resolves when that refresh ended. */
async function feed(rig: ControlRig, clock: FakeClock, text: string): Promise<void> {
  while (rig.fetches.length === 0) {
    await clock.advance(1000);
    await turn();
  }
  const before = rig.status();
  rig.fetches.pop()?.answer(fetchedOf(text));
  while (rig.status() === before) await turn();
  await rig.archived();
}

it("what the archive found is served, however soon its own time limit is called off", async () => {
  const clock = new FakeClock();
  const store = new MemoryStore();
  {
    await using first = startControlRig({ clock, store });
    await feed(first, clock, whole);
  }
  await using second = startControlRig({ clock, store });
  while (second.fetches.length === 0) await turn();
  expect(second.status().state).toBe("archived");
  expect((await ask(second.app, "/api/v1/environment-document/", { key: "ser.A" })).text).toBe(whole);
});

it("event streams begin with what the archive had, and then have what the upstream has", async () => {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const beginning = async ({ app }: ControlRig) => (await ask(app, "/sse/environments/clientA/stream")).text;
  {
    await using first = startControlRig({ clock, store });
    expect(await beginning(first)).not.toContain("event:");
    await feed(first, clock, whole);
  }
  await using second = startControlRig({ clock, store });
  while (second.fetches.length === 0) await turn();
  expect(await beginning(second)).toContain('data: {"updated_at": 1713428180.678868}\n');
  await feed(second, clock, documentText({ updatedAt: "2026-01-01T00:00:00Z" }));
  await feed(second, clock, documentText({ updatedAt: "2026-01-01T00:00:00Z" }));
  expect(await beginning(second)).toContain('data: {"updated_at": 1767225600.0}\n');
});

it("a document that lost its flags is not believed where the served one came between", async () => {
  const clock = new FakeClock();
  await using rig = startControlRig({ clock });
  const shrunk = documentText({ features: [] });
  const reasons: (string | null)[] = [];
  for (const text of [whole, shrunk, whole, shrunk, shrunk]) {
    await feed(rig, clock, text);
    reasons.push(rig.status().reason);
  }
  expect(reasons).toEqual([null, "document_shrunk", null, "document_shrunk", null]);
});

it("another environment's document, served and archived, gives way to the environment's own", async () => {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const [foreign, own] = ["clientB", "clientA"].map((api_key, id) =>
    JSON.stringify({ ...JSON.parse(whole), api_key, id: id + 1 }),
  ) as [string, string];
  const served = async ({ app }: ControlRig) =>
    (await ask(app, "/api/v1/environment-document/", { key: "ser.A" })).text;
  {
    await using first = startControlRig({ clock, store });
    await feed(first, clock, foreign);
    expect(await served(first)).toBe(foreign);
  }
  {
    await using second = startControlRig({ clock, store });
    while (second.fetches.length === 0) await turn();
    expect(await served(second)).toBe(foreign);
    await feed(second, clock, own);
    expect([await served(second), second.status().reason]).toEqual([own, null]);
    await feed(second, clock, foreign);
    expect([await served(second), second.status().reason]).toEqual([own, "other_environment"]);
  }
  await using third = startControlRig({ clock, store });
  while (third.fetches.length === 0) await turn();
  expect(await served(third)).toBe(own);
});
