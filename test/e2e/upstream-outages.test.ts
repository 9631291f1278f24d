/**
 * Faults of the upstream under a running proxy (reliability, table B): whatever it does, what is served does
 * not change by a byte, health names the reason, and the next good document is served.
 */
import { afterAll, expect, it } from "vitest";
import { startDeafUpstream } from "../support/deaf-upstream.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import {
  bannerOf,
  configFor,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  getFlags,
  healthOf,
  postIdentity,
  serverKey,
  startProxy,
} from "../support/running-proxy.ts";
import { upstreamFaults } from "../support/upstream-faults.ts";

const proxy = await startProxy();
afterAll(() => proxy[Symbol.asyncDispose]());
const evil = await startFaultUpstream();
afterAll(() => evil[Symbol.asyncDispose]());
evil.setDocument(serverKey, demoDocumentWith({ banner_text: "evil" }));

const { upstream, url } = proxy;
const evilUrl = `${evil.apiUrl}/environment-document/`;

const reasonOf = async (origin = url) => (await healthOf(origin)).environments[0]?.reason;

/** Everything that is served, with its validators. */
async function readServed(): Promise<unknown[]> {
  const document = () =>
    fetch(`${url}/api/v1/environment-document/`, { headers: { "X-Environment-Key": serverKey } });
  const answers = await Promise.all([
    getFlags(url),
    getFlags(url, serverKey),
    document(),
    postIdentity(url, { identifier: "alice" }),
    postIdentity(url, { identifier: "bob", traits: [{ trait_key: "plan", trait_value: "beta" }] }),
  ]);
  return await Promise.all(
    answers.map(async (answer) => ({
      status: answer.status,
      body: await answer.text(),
      validators: ["etag", "last-modified", "x-flagsmith-document-updated-at"].map((name) =>
        answer.headers.get(name),
      ),
    })),
  );
}

/** A test that failed must not make the next one fail. */
async function healUpstream(): Promise<void> {
  upstream.setMode(serverKey, "ok");
  await eventually(async () => (await reasonOf()) === null);
}

/** The fault shows in health, changes nothing that is served, and ends with a new document. */
async function expectRiddenOut(name: string, reason: string, begin: () => unknown, end: () => unknown) {
  await healUpstream();
  const before = await readServed();
  // An edit that must not show: some modes would otherwise answer 304.
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: `during ${name}` }));
  await begin();
  // A busy machine may make a timeout of anything, now and then.
  await expect.poll(() => reasonOf(), { interval: 10 }).toBe(reason);
  expect((await healthOf(url)).environments[0]?.state).toBe("failing");
  expect(await readServed()).toEqual(before);
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: `after ${name}` }));
  await end();
  await eventually(async () => (await bannerOf(url)) === `after ${name}`);
  expect(await healthOf(url)).toMatchObject({
    status: "ok",
    environments: [{ state: "fresh", reason: null }],
  });
}

it.each(upstreamFaults(evilUrl))("$name is ridden out, and health says $reason", async (fault) => {
  const { name, reason, mode, options } = fault;
  await expectRiddenOut(
    name,
    reason,
    () => upstream.setMode(serverKey, mode, options),
    () => upstream.setMode(serverKey, "ok"),
  );
});

it("B1 a port that refuses is ridden out, and health says unreachable", async () => {
  await expectRiddenOut("refuse", "unreachable", upstream.refuse, upstream.accept);
});

it("B13 the other origin saw no request and no connection", () => {
  expect([evil.requests().length, evil.connections]).toEqual([0, 0]);
});

it("B13 redirects of all kinds lead no request to another origin", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    upstream.setMode(serverKey, "redirect-cross", { to: evilUrl, status });
    upstream.forgetRequests();
    await eventually(() => upstream.requests(serverKey).length > 2);
  }
  const others = [
    evilUrl.replace("http:", ""),
    evilUrl.replace("127.0.0.1", "localhost"),
    "file:///etc/passwd",
  ];
  for (const to of others) {
    upstream.setMode(serverKey, "redirect-cross", { to });
    upstream.forgetRequests();
    await eventually(() => upstream.requests(serverKey).length > 2);
  }
  await healUpstream();
  expect([evil.requests().length, evil.connections]).toEqual([0, 0]);
});

it.each(["gzip-ok", "br-ok", "etag", "reset-reused", "redirect-same"] as const)(
  "the unusual but good mode %s is no fault",
  async (mode) => {
    await healUpstream();
    upstream.setMode(serverKey, mode);
    upstream.setDocument(serverKey, demoDocumentWith({ banner_text: mode }));
    await eventually(async () => (await bannerOf(url)) === mode);
    expect(await healthOf(url)).toMatchObject({ status: "ok", environments: [{ reason: null }] });
    upstream.setMode(serverKey, "ok");
  },
);

it("B6 a 304 before the first document is no end: the document comes with the next good answer", async () => {
  await using fresh = await startProxy({ document: null });
  fresh.upstream.setDocument(serverKey, demoDocumentText);
  fresh.upstream.setMode(serverKey, "not-modified-always");
  await eventually(async () => (await reasonOf(fresh.url)) === "unexpected_not_modified");
  expect((await getFlags(fresh.url)).status).toBe(503);
  fresh.upstream.setMode(serverKey, "ok");
  await eventually(async () => (await getFlags(fresh.url)).status === 200);
  expect(fresh.upstream.requests(serverKey)[0]?.headers["if-modified-since"]).toBeUndefined();
});

it("B2 an upstream that never accepts leaves the proxy listening, and health says timeout", async () => {
  await using deaf = await startDeafUpstream();
  await using fresh = await startProxy({ document: null, config: configFor(deaf) });
  await eventually(async () => (await reasonOf(fresh.url)) !== null);
  expect(["timeout", "unreachable"]).toContain(await reasonOf(fresh.url));
  expect((await getFlags(fresh.url)).status).toBe(503);
});

it("B24 one environment that hangs does not delay the others", async () => {
  const numbers = Array.from({ length: 12 }, (_, index) => index);
  const pairs = numbers.map((n) => ({ client_side_key: `client${n}`, server_side_key: `ser.${n}` }));
  const documentOf = (n: number, banner: string) =>
    demoDocumentWith({ banner_text: banner }, { api_key: `client${n}` });
  await using fresh = await startProxy({ document: null, config: { environment_key_pairs: pairs } });
  const areServed = async (banner: string) => {
    const answers = await Promise.all(numbers.slice(1).map((n) => getFlags(fresh.url, `client${n}`)));
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    return texts.every((text) => text.includes(`"${banner}"`));
  };
  for (const n of numbers) fresh.upstream.setDocument(`ser.${n}`, documentOf(n, "one"));
  fresh.upstream.setMode("ser.0", "hang-headers");
  await eventually(() => areServed("one"));
  for (const n of numbers) fresh.upstream.setDocument(`ser.${n}`, documentOf(n, "two"));
  await eventually(() => areServed("two"));
  expect((await getFlags(fresh.url, "client0")).status).toBe(503);
  fresh.upstream.setMode("ser.0", "ok");
  await eventually(async () => (await getFlags(fresh.url, "client0")).status === 200);
});
