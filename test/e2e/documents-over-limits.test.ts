/** Documents over the limits between good ones (reliability B15): each good one is served, no bad one is. */
import { afterAll, expect, it } from "vitest";
import {
  demoDocumentText,
  demoDocumentWith,
  eventually,
  getFlags,
  healthOf,
  serverKey,
  startProxy,
} from "../support/running-proxy.ts";

const proxy = await startProxy();
afterAll(() => proxy[Symbol.asyncDispose]());
const { upstream, url } = proxy;

type Tree = Record<string, unknown>;
const demo = JSON.parse(demoDocumentText) as Tree & { feature_states: (Tree & { feature: Tree })[] };
const reasonOf = async () => (await healthOf(url)).environments[0]?.reason;
const flagsText = async () => await (await getFlags(url, serverKey)).text();

/** So many features more, each with an id and a name of its own. */
function withFeatures(count: number): Tree {
  const [state] = demo.feature_states;
  const more = Array.from({ length: count }, (_, index) => ({
    ...state,
    django_id: 10_000 + index,
    featurestate_uuid: crypto.randomUUID(),
    feature: { ...state?.feature, id: 10_000 + index, name: `more_${index}` },
  }));
  return { ...demo, feature_states: [...demo.feature_states, ...more] };
}

/** More overrides than the limit of bytes leaves room for. */
function withOverrides(count: number): Tree {
  const overrides = Array.from({ length: count }, (_, index) => ({
    identifier: `visitor-${index}`,
    identity_uuid: crypto.randomUUID(),
    environment_api_key: "demo_client_key",
    identity_features: demo.feature_states.slice(0, 1),
  }));
  return { ...demo, identity_overrides: overrides };
}

it("B15 twice as many features as the upstream allows are served like any others", async () => {
  upstream.setDocument(serverKey, withFeatures(800));
  await eventually(async () => (await flagsText()).includes('"more_799"'));
  const flags = JSON.parse(await flagsText()) as unknown[];
  expect(flags).toHaveLength(demo.feature_states.length + 800);
  // Both polls that the guard wants (decision 0020).
  upstream.setDocument(serverKey, demo);
  await eventually(async () => !(await flagsText()).includes('"more_799"'));
});

it("B15 good and bad by turns: each good one is served, no bad one is, and health follows", async () => {
  const bad: readonly [string, string | object][] = [
    ["too_large", withOverrides(5000)],
    ["document_invalid", { ...demo, feature_states: 7 }],
    ["too_large", `${demoDocumentText}${" ".repeat(1_000_000)}`],
    ["document_invalid", demoDocumentText.slice(0, -20).concat("\u0000")],
  ];
  for (let round = 0; round < 12; round += 1) {
    const [reason, document] = bad[round % bad.length] ?? ["", ""];
    const before = await flagsText();
    upstream.setDocument(serverKey, document);
    // A busy machine may make a timeout of it first.
    await expect.poll(reasonOf, { interval: 10 }).toBe(reason);
    expect(await flagsText()).toBe(before);
    upstream.setDocument(serverKey, demoDocumentWith({ banner_text: `round ${round}` }));
    await eventually(async () => (await flagsText()).includes(`"round ${round}"`));
    expect(await reasonOf()).toBe(null);
  }
});
