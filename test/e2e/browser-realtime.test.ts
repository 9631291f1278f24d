/**
 * The official browser SDK in Chromium with its realtime updates on, on a page of another origin than the
 * proxy. Skipped where there is no Chromium.
 */
import type { IFlagsmith } from "@flagsmith/flagsmith/types";
import { expect, onTestFinished } from "vitest";
import { inBrowser, launchChromium, startPageServer } from "../support/chromium.ts";
import {
  type ConfigTree,
  clientKey,
  demoDocumentWith,
  eventually,
  type RunningProxy,
  serverKey,
  startProxy,
} from "../support/running-proxy.ts";

/** The globals of the page, as far as the SDK's script makes them. */
interface SdkPage {
  readonly flagsmith: IFlagsmith;
}

const documentOf = (banner: string, updated_at: string) =>
  demoDocumentWith({ banner_text: banner }, { updated_at });

/** A page whose SDK listens to the proxy. */
async function openPage(config: ConfigTree = {}) {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  const document = documentOf("first", "2026-05-01T00:00:01Z");
  const logging = { enable_access_log: true };
  const proxy = stack.use(await startProxy({ document, config: { logging, ...config } }));
  const { origin } = stack.use(await startPageServer());
  const browser = stack.adopt(await launchChromium(), (each) => each.close());
  const page = await browser.newPage();
  await page.goto(`${origin}/`);
  const options = {
    environmentID: clientKey,
    api: `${proxy.url}/api/v1/`,
    eventSourceUrl: `${proxy.url}/`,
    realtime: true,
  };
  await page.evaluate(
    async (given) => await (globalThis as unknown as SdkPage).flagsmith.init(given),
    options,
  );
  const banner = () =>
    page.evaluate(() => String((globalThis as unknown as SdkPage).flagsmith.getValue("banner_text")));
  return { proxy, banner };
}

/** How often pages have asked for flags. */
function flagRequests({ lines }: RunningProxy): number {
  const isRead = ({ fields }: RunningProxy["lines"][number]) =>
    fields["method"] === "GET" && fields["path"] === "/api/v1/flags/" && fields["client"] !== undefined;
  return lines.filter(isRead).length;
}

inBrowser("a page sees a change without asking for it, and asks once for each", async () => {
  const { proxy, banner } = await openPage();
  expect(await banner()).toBe("first");
  const before = flagRequests(proxy);
  for (const [second, value] of [
    [2, "second"],
    [3, "third"],
  ] as const) {
    proxy.upstream.setDocument(serverKey, documentOf(value, `2026-05-01T00:00:0${second}Z`));
    await eventually(async () => (await banner()) === value);
  }
  expect(flagRequests(proxy) - before).toBe(2);
});

inBrowser("a page whose streams end again and again asks no more often, and misses nothing", async () => {
  // Each lives for half a second; the SDK comes back after up to three.
  const realtime = { keep_alive_seconds: 0.1, stream_lifetime_seconds: 0.5 };
  const { proxy, banner } = await openPage({ realtime });
  const streams = () => proxy.lines.filter(({ fields }) => String(fields["path"]).startsWith("/sse/")).length;
  await eventually(() => streams() >= 2);
  const before = flagRequests(proxy);
  proxy.upstream.setDocument(serverKey, documentOf("second", "2026-05-01T00:00:02Z"));
  await eventually(async () => (await banner()) === "second");
  const seen = streams();
  await eventually(() => streams() >= seen + 2, 20_000);
  expect(flagRequests(proxy) - before).toBe(1);
});
