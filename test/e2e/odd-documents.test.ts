/** Documents that are valid and wrong: another environment's, and one that lost its flags (B16, B17). */
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { otherDocument, otherPair, replaceFile } from "../support/reloading-proxy.ts";
import {
  configFor,
  demoDocumentText,
  demoPair,
  eventually,
  getFlags,
  healthOf,
  serverKey,
  startProxy,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

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

it("a server key of another environment is corrected by a reload, and after a restart", async () => {
  await using upstream = await startFaultUpstream();
  using folder = makeTemporaryFolder("odd-documents");
  const storage = { enabled: true, path: join(folder.path, "data") };
  // The wrong one is younger: a date of it must not be believed of the right one.
  upstream.setDocument(serverKey, whole);
  upstream.setDocument(otherPair.server_side_key, otherDocument);
  const pastedWrong = { ...demoPair, server_side_key: otherPair.server_side_key };
  const config = (pair: object, more: object = {}) =>
    configFor(upstream, {
      environment_key_pairs: [pair],
      polling: { unconditional_every_polls: 1_000_000 },
      ...more,
    });
  const apiKeyAt = async (url: string, key: string) => {
    const headers = { "X-Environment-Key": key };
    const response = await fetch(`${url}/api/v1/environment-document/`, { headers });
    return response.ok ? ((await response.json()) as { api_key: string }).api_key : null;
  };
  {
    await using reloaded = startProxyProcess({ config: config(pastedWrong) });
    const url = await reloaded.url();
    await eventually(
      async () => (await apiKeyAt(url, pastedWrong.server_side_key)) === otherPair.client_side_key,
    );
    replaceFile(reloaded.folder, JSON.stringify(config(demoPair)));
    reloaded.kill("SIGHUP");
    await eventually(async () => (await apiKeyAt(url, serverKey)) === demoPair.client_side_key);
  }
  {
    await using wrong = startProxyProcess({ config: config(pastedWrong, { storage }) });
    const url = await wrong.url();
    await eventually(
      async () => (await apiKeyAt(url, pastedWrong.server_side_key)) === otherPair.client_side_key,
    );
    wrong.kill("SIGTERM");
    await wrong.exit;
  }
  await using corrected = startProxyProcess({ config: config(demoPair, { storage }) });
  const url = await corrected.url();
  await eventually(async () => (await apiKeyAt(url, serverKey)) === demoPair.client_side_key);
  expect(corrected.stdout()).toContain("Serving the archived document");
});
