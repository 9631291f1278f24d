/**
 * Reliability G3: documents that went wrong somewhere, through the real poller, guard, reader and publisher.
 * Each is refused, and what was served still is; or it is accepted, and all routes answer from it.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Clock } from "../../src/services/clock.ts";
import { type Answer, ask } from "../support/contract-requests.ts";
import { type ControlRig, fetchedOf, startControlRig } from "../support/control-rig.ts";
import { mutatedDocument, wholeDocument } from "../support/document-mutations.ts";
import { randomDocument } from "../support/document-texts.ts";
import { fuzzRuns, fuzzTimeoutMs } from "../support/fuzz-runs.ts";

/** Nobody waits between two refreshes: a test answers each fetch when it likes. */
const hastyClock: Clock = {
  monotonicMs: () => performance.now(),
  wallTime: () => new Date(),
  sleep: () => new Promise((resolve) => setImmediate(resolve)),
};
const refusals = ["not_json", "document_invalid", "other_environment", "document_shrunk"];
const prototypeNames = Object.getOwnPropertyNames(Object.prototype).sort();

/** Resolves with the fetch that waits; one comes after each refresh. */
async function nextFetch({ fetches }: ControlRig) {
  while (fetches.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(fetches).toHaveLength(1);
  return fetches[0]!;
}

/** Gives the document to the poller. @returns why it was refused; null where it is served */
async function feed(rig: ControlRig, text: string): Promise<string | null> {
  const { answer } = await nextFetch(rig);
  rig.fetches.length = 0;
  answer(fetchedOf(text));
  await nextFetch(rig);
  const { state, reason } = rig.status();
  expect(rig.lines.filter(({ level }) => level === "error")).toEqual([]);
  if (state === "fresh") return null;
  expect(refusals).toContain(reason);
  return reason;
}

const bodies = [
  {},
  { identifier: "ann", traits: [{ trait_key: "plan", trait_value: "beta" }] },
  { identifier: "__proto__", traits: [{ trait_key: "n", trait_value: 4 }] },
  {
    identifier: "zoe",
    traits: [
      { trait_key: "email", trait_value: "az" },
      { trait_key: "v", trait_value: "2.0.0" },
    ],
  },
];

/** What is served of it: without a byte order mark, which every JSON reader drops. */
const servedOf = (text: string) => text.replace(/^\uFEFF/, "");

/** Names of features that a client may ask for. */
function namesIn(text: string): string[] {
  const { feature_states: states } = JSON.parse(text) as { feature_states: { feature: { name: unknown } }[] };
  const names = states.map(({ feature }) => feature.name);
  return names
    .filter((name) => typeof name === "string")
    .filter((name) => name.isWellFormed())
    .slice(0, 5);
}

async function answersOf({ app }: ControlRig, names: readonly string[]): Promise<Answer[]> {
  const views = ["clientA", "ser.A"].flatMap((key) => [
    ask(app, "/api/v1/flags/", { key }),
    ask(app, "/api/v1/identities/?identifier=bob", { key }),
    ...names.map((name) => ask(app, `/api/v1/flags/?feature=${encodeURIComponent(name)}`, { key })),
    ...bodies.map((body) => ask(app, "/api/v1/identities/", { key, body })),
  ]);
  return await Promise.all([...views, ask(app, "/api/v1/environment-document/", { key: "ser.A" })]);
}

/** All routes answer as the contract has it: flags, or that a feature is hidden, or that all is stopped. */
async function expectServed(rig: ControlRig, text: string): Promise<void> {
  const answers = await answersOf(rig, namesIn(text));
  const isStopped = answers[0]?.status === 403;
  for (const { status, text: body } of answers) {
    expect(isStopped ? [403, 200] : [200, 404]).toContain(status);
    JSON.parse(body);
  }
  const whole = answers.at(-1);
  if (whole?.status === 200) expect(whole.text).toBe(text);
  expect([200, 403]).toContain(answers[0]?.status);
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(prototypeNames);
}

const bytesOf = async (rig: ControlRig) =>
  (await answersOf(rig, ["plain"])).map(({ status, text }) => [status, text]);

it.each(fuzzRuns(400))(
  "B a mutated document is served by all routes, or leaves what was served (seed $seed)",
  async (run) => {
    const documents = fc.array(mutatedDocument, { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(documents, async (texts) => {
      await using rig = startControlRig({ clock: hastyClock });
      expect(await feed(rig, wholeDocument)).toBeNull();
      for (const text of texts) {
        const before = await bytesOf(rig);
        let refusal = await feed(rig, text);
        if (refusal !== null) expect(await bytesOf(rig)).toEqual(before);
        // One that lost many features is believed when it comes again.
        if (refusal === "document_shrunk") refusal = await feed(rig, text);
        if (refusal === null) {
          expect(JSON.parse(servedOf(text))).toHaveProperty("api_key", "clientA");
          await expectServed(rig, servedOf(text));
        }
        if (refusal !== null) expect(await bytesOf(rig)).toEqual(before);
      }
      expect([null, "other_environment", "document_shrunk"]).toContain(await feed(rig, wholeDocument));
    });
    await fc.assert(property, run);
  },
  fuzzTimeoutMs(),
);

it.each(fuzzRuns(400))(
  "B a random document is served by all routes, or none is (seed $seed)",
  async (run) => {
    const property = fc.asyncProperty(randomDocument, async (text) => {
      await using rig = startControlRig({ clock: hastyClock });
      if ((await feed(rig, text)) === null) await expectServed(rig, servedOf(text));
      else expect((await ask(rig.app, "/api/v1/flags/")).status).toBe(503);
    });
    await fc.assert(property, run);
  },
  fuzzTimeoutMs(),
);
