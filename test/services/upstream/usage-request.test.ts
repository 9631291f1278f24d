/** Contract B 4.2, 4.4: what is asked with a proxy key alone, over the wire. */
import { expect, it } from "vitest";
import { listed } from "../../support/discovered.ts";
import { discoveryPath, proxyKey, startFaultUpstream, usagePath } from "../../support/fault-upstream.ts";
import { createClient, failureOf } from "../../support/upstream-settings.ts";

const batch = {
  id: "0f4b3c1e-0000-4000-8000-000000000000",
  rows: [{ client_side_key: "a", resource: "flags", count: 3 } as const],
};

async function startPair(key: string | null = proxyKey) {
  const upstream = await startFaultUpstream();
  const client = createClient({ apiUrl: upstream.apiUrl, proxyKey: key, requestTimeoutMs: 300 });
  const textOf = async () => {
    const { pages } = await client.fetchEnvironments();
    return pages.map((blocks) => Buffer.concat(blocks).toString());
  };
  const dispose = async () => {
    await client[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  };
  return { upstream, client, textOf, [Symbol.asyncDispose]: dispose };
}

it("usage is posted with both keys, as the contract has it", async () => {
  await using pair = await startPair();
  expect(await pair.client.sendUsage(batch)).toEqual({ isTaken: true });
  expect(pair.upstream.usage).toEqual([{ ...batch, isTaken: true }]);
  const [request] = pair.upstream.requests();
  expect(request).toMatchObject({ method: "POST", path: "/api/v1/proxy/usage/" });
  expect(request?.headers).toMatchObject({
    "x-proxy-key": proxyKey,
    "idempotency-key": batch.id,
    "content-type": "application/json",
  });
  expect(request?.headers["x-environment-key"]).toBeUndefined();
});

it.each([400, 403, 404, 422, 429])("a status of %i is for good", async (status) => {
  await using pair = await startPair();
  pair.upstream.setMode(usagePath, status);
  expect(await pair.client.sendUsage(batch)).toEqual({ isTaken: false, status });
});

it.each([
  [500, "server_error"],
  [503, "server_error"],
  [302, "unexpected_status"],
  ["hang-headers", "timeout"],
  ["reset", "connection_lost"],
] as const)("after %s it is to be sent again", async (mode, code) => {
  await using pair = await startPair();
  pair.upstream.setMode(usagePath, mode);
  expect((await failureOf(pair.client.sendUsage(batch))).code).toBe(code);
});

it("a connection that was closed meanwhile is no failure", async () => {
  await using pair = await startPair();
  await pair.client.sendUsage(batch);
  pair.upstream.setMode(usagePath, "reset-reused");
  expect(await pair.client.sendUsage({ ...batch, id: "second" })).toEqual({ isTaken: true });
});

it("the list of environments is asked for with the proxy key alone, and may have pages", async () => {
  await using pair = await startPair();
  const { upstream } = pair;
  upstream.setDocument(discoveryPath, [listed("a")], null);
  expect(await pair.textOf()).toEqual([JSON.stringify([listed("a")])]);
  const [request] = upstream.requests();
  expect(request).toMatchObject({ method: "GET", path: "/api/v1/proxy/config/" });
  expect(request?.headers["x-environment-key"]).toBeUndefined();
  upstream.setMode(discoveryPath, "link-same", { pages: [[listed("b")]] });
  expect(await pair.textOf()).toEqual([JSON.stringify([listed("a")]), JSON.stringify([listed("b")])]);
});

it("the same list has the same digest, another one has another", async () => {
  await using pair = await startPair();
  const digestOf = async () => (await pair.client.fetchEnvironments()).digest;
  pair.upstream.setDocument(discoveryPath, [listed("a")], null);
  const digest = await digestOf();
  expect(await digestOf()).toBe(digest);
  pair.upstream.setDocument(discoveryPath, [listed("b")], null);
  expect(await digestOf()).not.toBe(digest);
});

it("a list is one whatever its media type", async () => {
  await using pair = await startPair();
  pair.upstream.setDocument(discoveryPath, [listed("a")]);
  pair.upstream.setMode(discoveryPath, "wrong-type");
  expect(await pair.textOf()).toEqual([JSON.stringify([listed("a")])]);
});

it.each([
  [404, "unexpected_status"],
  [403, "key_rejected"],
  ["not-modified-always", "unexpected_not_modified"],
  ["hang-headers", "timeout"],
  ["too-big", "too_large"],
] as const)("a list that comes as %s is a failure", async (mode, code) => {
  await using pair = await startPair();
  pair.upstream.setDocument(discoveryPath, []);
  pair.upstream.setMode(discoveryPath, mode, { bytes: 2_000_000 });
  expect((await failureOf(pair.client.fetchEnvironments())).code).toBe(code);
});
