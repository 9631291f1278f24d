/** Paging over real sockets: what is followed, what is refused, and that nobody else ever hears of a key. */
import { expect, test } from "vitest";
import { startFaultUpstream } from "../../support/fault-upstream.ts";
import { fetchText } from "../../support/packed-text.ts";
import { createClient, failureOf } from "../../support/upstream-settings.ts";

const serverKey = "ser.one";
const whole = { serverKey, ifModifiedSince: null };
const path = "/api/v1/environment-document/";

async function startPaged(changes: Parameters<typeof createClient>[0] = {}) {
  const upstream = await startFaultUpstream();
  const evil = await startFaultUpstream();
  upstream.setDocument(serverKey, '{"v":1.0,"identity_overrides":[{"n":1}]}');
  evil.setDocument(serverKey, "{}");
  const client = createClient({ apiUrl: upstream.apiUrl, ...changes });
  return {
    upstream,
    evil,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      await evil[Symbol.asyncDispose]();
    },
  };
}

test("pages are merged in order, with the keys on each and the condition on the first alone", async () => {
  await using t = await startPaged({ proxyKey: "proxy-key" });
  const pages = ['{"v":2,"identity_overrides":[{"n":2.50}]}', '{"identity_overrides":null}', "{}"];
  t.upstream.setMode(serverKey, "link-same", { pages });
  const since = "Thu, 18 Apr 2024 09:36:20 GMT";
  expect(await fetchText(t.client, { serverKey, ifModifiedSince: since })).toMatchObject({
    text: '{"v":1.0,"identity_overrides":[{"n":1},{"n":2.50}]}',
    pages: 4,
  });
  const requests = t.upstream.requests(serverKey);
  expect(requests.map((each) => each.path)).toEqual([
    path,
    `${path}?page=2`,
    `${path}?page=3`,
    `${path}?page=4`,
  ]);
  expect(requests.map(({ headers }) => headers["x-proxy-key"])).toEqual(Array(4).fill("proxy-key"));
  expect(requests.map(({ headers }) => headers["if-modified-since"])).toEqual([
    since,
    ...Array(3).fill(undefined),
  ]);
});

test.each([
  ["unquoted", (to: string) => `<${to}>; rel=next`],
  ["upper case and one of several types", (to: string) => `<${to}>; REL="last NEXT"`],
  ["one of several links", (to: string) => `</a,b>; rel="prev"; title="a, b", <${to}>; rel="next"`],
  ["one of several headers", (to: string) => ['</first>; rel="first"', `<${to}>; rel="next"`]],
])("a link that is %s is followed", async (_name, link) => {
  await using t = await startPaged();
  t.upstream.setMode(serverKey, "link-same", { pages: ["{}"], link });
  expect(await fetchText(t.client, whole)).toMatchObject({ pages: 2 });
});

test.each(["?page=2", "/api/v1/environment-document/?page=2"])(
  "the relative target %s is followed",
  async (to) => {
    await using t = await startPaged();
    t.upstream.setMode(serverKey, "link-same", { pages: ["{}"], link: () => `<${to}>; rel="next"` });
    expect(await fetchText(t.client, whole)).toMatchObject({ pages: 2 });
  },
);

test("a link or a redirect to another origin is refused, and that origin hears nothing", async () => {
  await using t = await startPaged();
  const port = new URL(t.evil.origin).port;
  const targets = [
    `${t.evil.apiUrl}/environment-document/`,
    `//127.0.0.1:${port}${path}`,
    `http://localhost:${new URL(t.upstream.origin).port}${path}`,
    `https://127.0.0.1:${new URL(t.upstream.origin).port}${path}`,
    t.upstream.apiUrl.replace("//", "//user@"),
    t.upstream.apiUrl.replace("//", "//:secret@"),
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "data:application/json,{}",
  ];
  for (const to of targets) {
    t.upstream.setMode(serverKey, "link-cross", { to });
    expect(await failureOf(fetchText(t.client, whole)), to).toMatchObject({ code: "page_refused" });
    t.upstream.setMode(serverKey, "redirect-cross", { to });
    expect(await failureOf(fetchText(t.client, whole)), to).toMatchObject({ code: "redirect_refused" });
  }
  expect(t.evil.connections).toBe(0);
  expect(t.upstream.requests()).toHaveLength(2 * targets.length);
});

test("a redirect of a later page to another origin is refused too", async () => {
  await using t = await startPaged();
  const to = `${t.evil.apiUrl}/environment-document/`;
  t.upstream.setMode(serverKey, "link-to-mode", { secondPage: "redirect-cross", to });
  expect(await failureOf(fetchText(t.client, whole))).toMatchObject({ code: "redirect_refused" });
  expect(t.evil.connections).toBe(0);
});

test("redirects stop at the limit", async () => {
  await using t = await startPaged({ redirectsMax: 3 });
  t.upstream.setMode(serverKey, "redirect-loop");
  expect(await failureOf(fetchText(t.client, whole))).toMatchObject({ code: "redirect_refused" });
  expect(t.upstream.requests()).toHaveLength(4);
});

test("a redirect without a target is refused", async () => {
  await using t = await startPaged();
  t.upstream.setMode(serverKey, 302);
  expect(await failureOf(fetchText(t.client, whole))).toMatchObject({ code: "redirect_refused" });
});

test("pages that lead back to one of them are refused", async () => {
  await using t = await startPaged();
  t.upstream.setMode(serverKey, "link-loop");
  expect(await failureOf(fetchText(t.client, whole))).toMatchObject({ code: "page_refused" });
  expect(t.upstream.requests()).toHaveLength(2);
});

test("pages stop at the limit", async () => {
  await using t = await startPaged({ pagesMax: 5 });
  t.upstream.setMode(serverKey, "link-many");
  expect(await failureOf(fetchText(t.client, whole))).toMatchObject({ code: "page_refused" });
  expect(t.upstream.requests()).toHaveLength(5);
});

test("the byte limit counts all pages together", async () => {
  await using t = await startPaged({ documentBytesMax: 3000 });
  const page = { identity_overrides: ["x".repeat(1000)] };
  t.upstream.setMode(serverKey, "link-same", { pages: [page, page] });
  expect(await fetchText(t.client, whole)).toMatchObject({ pages: 3 });
  t.upstream.setMode(serverKey, "link-same", { pages: [page, page, page] });
  expect(await failureOf(fetchText(t.client, whole))).toMatchObject({ code: "too_large" });
});

test("the document's time limit counts all pages together", async () => {
  await using t = await startPaged({ documentTimeoutMs: 300, requestTimeoutMs: 5000, pagesMax: 1_000_000 });
  t.upstream.setMode(serverKey, "link-many");
  expect(await failureOf(fetchText(t.client, whole))).toMatchObject({ code: "timeout" });
});

test("the time limit of one request begins anew with each page", async () => {
  await using t = await startPaged({ documentTimeoutMs: 5000, requestTimeoutMs: 600 });
  t.upstream.setMode(serverKey, "link-same", { pages: Array(5).fill("{}"), delayMs: 150 });
  expect(await fetchText(t.client, whole)).toMatchObject({ pages: 6 });
});

test.each(["[]", "not json", '{"identity_overrides":5}'])(
  "one page of %s fails the document",
  async (page) => {
    await using t = await startPaged();
    t.upstream.setMode(serverKey, "link-same", { pages: ["{}", page] });
    const { code } = await failureOf(fetchText(t.client, whole));
    expect(code).toBe(page.startsWith("{") ? "document_invalid" : "not_json");
  },
);

test.each([
  ["not-modified-always", "unexpected_not_modified"],
  ["status", "server_error"],
  ["truncated-length", "connection_lost"],
  ["html", "not_json"],
])("a later page answered by %s fails the document: %s", async (secondPage, code) => {
  await using t = await startPaged();
  t.upstream.setMode(serverKey, "link-to-mode", { secondPage });
  const ifModifiedSince = "Thu, 18 Apr 2024 09:36:20 GMT";
  expect(await failureOf(fetchText(t.client, { serverKey, ifModifiedSince }))).toMatchObject({ code });
});
