/**
 * The official browser SDK in Chromium, on a page of another origin than the proxy, so that preflights, CORS
 * and the browser's cache are real. Skipped where there is no Chromium.
 */
import { createHash } from "node:crypto";
import type { IFlagsmith } from "@flagsmith/flagsmith/types";
import type { Page } from "playwright-core";
import { afterAll, expect } from "vitest";
import { hasChromium, inBrowser, launchChromium, startPageServer } from "../support/chromium.ts";
import {
  clientKey,
  demoDocumentText,
  demoDocumentWith,
  eventually,
  getFlags,
  serverKey,
  startProxy,
} from "../support/running-proxy.ts";

/** What a page's script gets: it runs in the browser and sees nothing of this file. */
interface InitOptions {
  readonly [name: string]: unknown;
}

/** One exchange with the proxy, as the network stack of the browser saw it. */
interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: string | null;
}

const stack = new AsyncDisposableStack();
afterAll(() => stack.disposeAsync());
const proxy = stack.use(await startProxy({ config: { logging: { enable_access_log: true } } }));
const { origin } = stack.use(await startPageServer());
const browser = hasChromium ? stack.adopt(await launchChromium(), (each) => each.close()) : null;

/** A new profile on the page, and all that it exchanges with the proxy. */
async function openPage() {
  if (browser === null) throw new Error("no browser");
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  const requests = new Map<string, { method: string; url: string; postData?: string | undefined }>();
  const exchanges: Exchange[] = [];
  const statuses = new Map<string, number>();
  /** The two events of one exchange come in either order. */
  const note = (requestId: string) => {
    const request = requests.get(requestId);
    const status = statuses.get(requestId);
    if (status === undefined || !request?.url.startsWith(proxy.url)) return;
    const path = request.url.slice(proxy.url.length);
    exchanges.push({ method: request.method, path, status, body: request.postData ?? null });
  };
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    requests.set(requestId, request);
    note(requestId);
  });
  // The extra information has the status on the wire: 304 too, which a page never sees.
  session.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => {
    statuses.set(requestId, statusCode);
    note(requestId);
  });
  await page.goto(`${origin}/`);
  return { page, exchanges, [Symbol.asyncDispose]: () => context.close() };
}

/** The globals of the page, as far as the SDK's script makes them. */
interface SdkPage {
  /** The time of the document is in it, though not among its types. */
  readonly flagsmith: IFlagsmith & { readonly timestamp: number | null };
}

/** Initialises the SDK in the page; its state, and the error if there was one. */
async function initialise(page: Page, options: InitOptions = {}) {
  const all = { environmentID: clientKey, api: `${proxy.url}/api/v1/`, ...options };
  return await page.evaluate(async (given) => {
    const { flagsmith } = globalThis as unknown as SdkPage;
    const error = await flagsmith.init(given).then(
      () => null,
      (reason: unknown) => String(reason),
    );
    return {
      error,
      flags: flagsmith.getAllFlags(),
      traits: flagsmith.getAllTraits(),
      identity: flagsmith.getContext().identity,
      timestamp: flagsmith.timestamp,
    };
  }, all);
}

/** What was exchanged but preflights, once there is so much: the page may know before the protocol does. */
async function exchangesOf(exchanges: readonly Exchange[], count: number): Promise<readonly Exchange[]> {
  const find = () => exchanges.filter(({ method }) => method !== "OPTIONS");
  await eventually(() => find().length >= count);
  return find();
}

inBrowser("initialises with the environment's flags across origins, behind a preflight", async () => {
  await using opened = await openPage();
  const before = proxy.lines.length;
  const { error, flags } = await initialise(opened.page);
  expect(error).toBe(null);
  expect(flags["banner_text"]).toMatchObject({ enabled: true, value: "Welcome!" });
  expect(flags["checkout_v2"]).toMatchObject({ enabled: false });
  expect(flags["internal_margin"]).toBeUndefined();
  expect(await exchangesOf(opened.exchanges, 1)).toMatchObject([
    { method: "GET", path: "/api/v1/flags/", status: 200 },
  ]);
  const preflights = proxy.lines.slice(before).filter(({ fields }) => fields["method"] === "OPTIONS");
  expect(preflights).toMatchObject([{ fields: { status: 204, path: "/api/v1/flags/" } }]);
});

inBrowser("reads when the document was updated from the exposed header", async () => {
  await using opened = await openPage();
  const { timestamp } = await initialise(opened.page);
  expect(timestamp).toBe(Date.parse(JSON.parse(demoDocumentText).updated_at) / 1000);
});

inBrowser("gets an identity with traits by POST", async () => {
  await using opened = await openPage();
  const { error, flags, traits } = await initialise(opened.page, {
    identity: "bob",
    traits: { plan: "beta", cart_items: 12 },
  });
  expect(error).toBe(null);
  expect(flags["checkout_v2"]).toMatchObject({ enabled: true, value: "one page" });
  expect(traits).toEqual({ plan: "beta", cart_items: 12 });
  expect(await exchangesOf(opened.exchanges, 1)).toMatchObject([
    { method: "POST", path: "/api/v1/identities/" },
  ]);
});

inBrowser("gets an identity without traits by GET", async () => {
  await using opened = await openPage();
  const { error, flags } = await initialise(opened.page, { identity: "alice" });
  expect(error).toBe(null);
  expect(flags["old_search"]).toMatchObject({ enabled: true, value: "just for Alice" });
  const [exchange] = await exchangesOf(opened.exchanges, 1);
  expect(exchange).toMatchObject({ method: "GET", status: 200 });
  expect(exchange?.path).toMatch(/^\/api\/v1\/identities\/\?identifier=alice/);
});

inBrowser(
  "gets an anonymous identity with traits by POST without identifier, and keeps the one it is given",
  async () => {
    await using opened = await openPage();
    const traits = { plan: "beta", app_version: "2.1.0" };
    const { error, flags, identity } = await initialise(opened.page, {
      evaluationContext: { identity: { identifier: null, transient: true, traits } },
    });
    expect(error).toBe(null);
    expect(flags["checkout_v2"]).toMatchObject({ enabled: true });
    const [exchange] = await exchangesOf(opened.exchanges, 1);
    expect(exchange).toMatchObject({ method: "POST", path: "/api/v1/identities/", status: 200 });
    expect(JSON.parse(exchange?.body ?? "").identifier ?? null).toBe(null);
    const expected = createHash("sha256").update("app_version2.1.0planbeta").digest("hex");
    expect(identity?.identifier).toBe(expected);
  },
);

inBrowser("keeps a trait transient that it sent as transient", async () => {
  await using opened = await openPage();
  const { page, exchanges } = opened;
  const traits = { plan: { value: "beta", transient: true }, country: { value: "DE" } };
  const context = { identity: { identifier: "bob", traits } };
  const { identity } = await initialise(page, { evaluationContext: context });
  expect(identity?.traits?.["plan"]).toEqual({ value: "beta", transient: true });
  await page.evaluate(() => (globalThis as unknown as SdkPage).flagsmith.getFlags());
  const sent = (await exchangesOf(exchanges, 2)).map(({ body }) => JSON.parse(body ?? "").traits);
  expect(sent).toHaveLength(2);
  expect(sent[1]).toContainEqual({ trait_key: "plan", trait_value: "beta", transient: true });
});

inBrowser("identifies and logs out on the same page", async () => {
  await using opened = await openPage();
  await initialise(opened.page);
  const enabled = await opened.page.evaluate(async () => {
    const { flagsmith } = globalThis as unknown as SdkPage;
    const seen: boolean[] = [];
    const look = () => seen.push(flagsmith.hasFeature("checkout_v2"));
    await flagsmith.identify("bob", { plan: "beta" }).then(look);
    await flagsmith.setTrait("plan", "free").then(look);
    await flagsmith.logout().then(look);
    return seen;
  });
  expect(enabled).toEqual([true, false, false]);
});

inBrowser("revalidates by ETag on the second load, and sees a new document at once", async () => {
  await using own = await openPage();
  const { page, exchanges } = own;
  await initialise(page);
  await page.reload();
  const again = await initialise(page);
  expect(again.error).toBe(null);
  expect(again.flags["banner_text"]).toMatchObject({ value: "Welcome!" });
  expect((await exchangesOf(exchanges, 2)).map(({ status }) => status)).toEqual([200, 304]);
  proxy.upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "Fresh" }));
  await eventually(async () => (await (await getFlags(proxy.url)).text()).includes("Fresh"));
  await page.reload();
  expect((await initialise(page)).flags["banner_text"]).toMatchObject({ value: "Fresh" });
  expect((await exchangesOf(exchanges, 3)).at(-1)?.status).toBe(200);
});

inBrowser("does not mix up the answers for two keys in the browser's cache", async () => {
  await using opened = await openPage();
  const names = async (environmentID: string) => {
    await opened.page.reload();
    return Object.keys((await initialise(opened.page, { environmentID })).flags);
  };
  expect(await names(clientKey)).not.toContain("internal_margin");
  expect(await names(serverKey)).toContain("internal_margin");
  expect(await names(clientKey)).not.toContain("internal_margin");
});

inBrowser.each([
  ["a wrong key", "/api/v1/flags/", { "X-Environment-Key": "wrong" }, 401],
  ["no key", "/api/v1/flags/", {}, 401],
  ["an unknown feature", "/api/v1/flags/?feature=nope", { "X-Environment-Key": clientKey }, 404],
  ["a missing identifier", "/api/v1/identities/", { "X-Environment-Key": clientKey }, 422],
  ["an unknown route", "/api/v1/nowhere/", { "X-Environment-Key": clientKey }, 404],
])("lets the page read the error for %s", async (_name, path, headers, expected) => {
  await using opened = await openPage();
  const { status, body } = await opened.page.evaluate(
    async ({ url, sent }) => {
      const response = await fetch(url, { headers: sent as Record<string, string> });
      return { status: response.status, body: await response.json() };
    },
    { url: `${proxy.url}${path}`, sent: headers },
  );
  expect(status).toBe(expected);
  expect(body).toMatchObject({ status: expect.any(String), message: expect.any(String) });
});

inBrowser("rejects where the key is wrong", async () => {
  await using opened = await openPage();
  expect((await initialise(opened.page, { environmentID: "wrong" })).error).not.toBe(null);
  expect(await exchangesOf(opened.exchanges, 1)).toMatchObject([{ status: 401 }]);
});
