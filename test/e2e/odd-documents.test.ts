/** Documents that are valid and wrong: another environment's, and one that lost its flags (B16, B17). */
import { afterAll, expect, it } from "vitest";
import {
  demoDocumentText,
  eventually,
  getFlags,
  healthOf,
  serverKey,
  startProxy,
} from "../support/running-proxy.ts";

const proxy = await startProxy();
afterAll(() => proxy[Symbol.asyncDispose]());

const whole = JSON.parse(demoDocumentText) as Record<string, unknown> & { feature_states: unknown[] };
const flagCount = async () => ((await (await getFlags(proxy.url, serverKey)).json()) as unknown[]).length;
const reasonOf = async () => (await healthOf(proxy.url)).environments[0]?.reason;

it("B17 another environment's document is never served", async () => {
  proxy.upstream.setDocument(serverKey, { ...whole, api_key: "another", feature_states: [] });
  await eventually(async () => (await reasonOf()) === "other_environment");
  const { length } = proxy.upstream.requests(serverKey);
  await eventually(() => proxy.upstream.requests(serverKey).length > length + 5);
  expect(await flagCount()).toBe(whole.feature_states.length);
  const told = proxy.lines.filter(({ fields }) => fields["code"] === "other_environment");
  expect(told).toHaveLength(1);
});

it("B16 one without flags that comes once is not served, one that stays is", async () => {
  proxy.upstream.setDocument(serverKey, whole);
  await eventually(async () => (await reasonOf()) === null);
  proxy.upstream.setDocument(serverKey, { ...whole, feature_states: [] });
  await eventually(async () => (await flagCount()) === 0);
  const held = proxy.lines.filter(({ fields }) => fields["code"] === "document_shrunk");
  expect(held).toHaveLength(1);
  proxy.upstream.setDocument(serverKey, whole);
  await eventually(async () => (await flagCount()) === whole.feature_states.length);
});
