/**
 * Faults of the upstream under a running proxy (reliability, table B): whatever it does, what is served does
 * not change by a byte, health names the reason, and the next good document is served.
 */
import { afterAll, expect, it } from "vitest";
import { startDeafUpstream } from "../support/deaf-upstream.ts";
import type { FaultMode, FaultOptions } from "../support/fault-modes.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import {
  configFor,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  getFlags,
  postIdentity,
  serverKey,
  startProxy,
} from "../support/running-proxy.ts";

const proxy = await startProxy();
afterAll(() => proxy[Symbol.asyncDispose]());
const evil = await startFaultUpstream();
afterAll(() => evil[Symbol.asyncDispose]());
evil.setDocument(serverKey, demoDocumentWith({ banner_text: "evil" }));

const { upstream, url } = proxy;
const evilUrl = `${evil.apiUrl}/environment-document/`;

interface Health {
  readonly status: string;
  readonly reason: string | null;
  readonly environments: readonly { readonly state: string; readonly reason: string | null }[];
}

const readHealth = async (origin = url) => (await (await fetch(`${origin}/proxy/health`)).json()) as Health;
const reasonOf = async (origin = url) => (await readHealth(origin)).environments[0]?.reason;

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

async function bannerText(): Promise<unknown> {
  const flags = (await (await getFlags(url)).json()) as {
    feature: { name: string };
    feature_state_value: unknown;
  }[];
  return flags.find(({ feature }) => feature.name === "banner_text")?.feature_state_value;
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
  await eventually(async () => (await reasonOf()) !== null);
  expect(await reasonOf()).toBe(reason);
  expect((await readHealth()).environments[0]?.state).toBe("failing");
  expect(await readServed()).toEqual(before);
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: `after ${name}` }));
  await end();
  await eventually(async () => (await bannerText()) === `after ${name}`);
  expect(await readHealth()).toMatchObject({
    status: "ok",
    environments: [{ state: "fresh", reason: null }],
  });
}

const faults: readonly [string, string, FaultMode | number, FaultOptions?][] = [
  ["B3 a hanging request", "timeout", "hang-headers"],
  ["B4 a body byte by byte", "timeout", "drip"],
  ["B5 500", "server_error", 500],
  ["B5 502", "server_error", 502],
  ["B5 503 with a short Retry-After", "server_error", 503, { retryAfter: "0" }],
  ["B5 429", "rate_limited", 429, { retryAfter: "0" }],
  ["404", "unexpected_status", 404],
  ["B18 401", "key_rejected", 401],
  ["B18 403", "key_rejected", 403],
  ["B7 a body shorter than its length", "connection_lost", "truncated-length"],
  ["B7 a body without its last chunk", "connection_lost", "truncated-chunk"],
  ["B7 a reset amid the body", "connection_lost", "reset-mid-body"],
  ["a reset in place of an answer", "connection_lost", "reset"],
  ["B7 half a document", "document_invalid", "body", { body: demoDocumentText.slice(0, 5000) }],
  ["B8 a login page", "not_json", "html"],
  ["B8 a document of the wrong type", "not_json", "wrong-type"],
  ["bytes that are not UTF-8", "not_json", "not-utf8"],
  ["B9 []", "not_json", "body", { body: "[]" }],
  ["B9 null", "not_json", "body", { body: "null" }],
  ["B9 {}", "document_invalid", "body", { body: "{}" }],
  ["B9 a string", "not_json", "body", { body: '"x"' }],
  ["B9 a number", "not_json", "body", { body: "1" }],
  ["an empty body", "not_json", "body", { body: "" }],
  ["B10 a gzip bomb", "too_large", "gzip-bomb", { bytes: 8_000_000 }],
  ["B10 a hundred encodings", "bad_encoding", "encoding-chain"],
  ["B11 a body above the limit", "too_large", "too-big", { bytes: 8_000_000 }],
  ["B12 a redirect loop", "redirect_refused", "redirect-loop"],
  ["B13 a redirect to another origin", "redirect_refused", "redirect-cross", { to: evilUrl }],
  ["B13 a page of another origin", "page_refused", "link-cross", { to: evilUrl }],
  ["B13 a page in a file", "page_refused", "link-cross", { to: "file:///etc/passwd" }],
  ["B13 a page of the cloud's metadata", "page_refused", "link-cross", { to: "http://169.254.169.254/" }],
  ["B14 a page that links to itself", "page_refused", "link-loop"],
];

it.each(faults)("%s is ridden out, and health says %s", async (name, reason, mode, options) => {
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
    await eventually(async () => (await bannerText()) === mode);
    expect(await readHealth()).toMatchObject({ status: "ok", environments: [{ reason: null }] });
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
    demoDocumentWith({ banner_text: banner }).replace(
      '"api_key":"demo_client_key"',
      `"api_key":"client${n}"`,
    );
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
