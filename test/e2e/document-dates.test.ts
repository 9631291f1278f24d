/** Dates that do not tell of a change: two edits within a second, and an upstream restored from a backup. */
import { afterAll, expect, it } from "vitest";
import { demoDocumentWith, eventually, getFlags, serverKey, startProxy } from "../support/running-proxy.ts";

const fullRefreshPolls = 5;
const proxy = await startProxy({
  config: { polling: { jitter_ratio: 0, unconditional_every_polls: fullRefreshPolls } },
});
afterAll(() => proxy[Symbol.asyncDispose]());
const { upstream, url } = proxy;

const updatedText = (banner: string, updated_at: string) =>
  demoDocumentWith({ banner_text: banner }, { updated_at });
const isServed = async (banner: string) => (await (await getFlags(url)).text()).includes(`"${banner}"`);

/** @returns how many polls it took to show */
async function pollsUntilServed(banner: string): Promise<number> {
  const { length } = upstream.requests();
  await eventually(() => isServed(banner));
  return upstream.requests().length - length;
}

it("B20 an edit that the date does not tell of is visible with the next full refresh", async () => {
  const date = new Date("2026-01-01T00:00:00Z");
  upstream.setDocument(serverKey, updatedText("first edit", date.toISOString()), date);
  await eventually(() => isServed("first edit"));
  await eventually(() => upstream.requests().at(-1)?.headers["if-modified-since"] === date.toUTCString());
  upstream.setDocument(serverKey, updatedText("second edit", date.toISOString()), date);
  // One may be on its way, and one more is counted while the answer is read.
  expect(await pollsUntilServed("second edit")).toBeLessThanOrEqual(fullRefreshPolls + 2);
});

it("B22 a document older than ours comes with the next full refresh, and the log says so once", async () => {
  const newDate = new Date("2026-03-01T00:00:00Z");
  const oldDate = new Date("2025-03-01T00:00:00Z");
  upstream.setDocument(serverKey, updatedText("newer", newDate.toISOString()), newDate);
  await eventually(() => isServed("newer"));
  upstream.setDocument(serverKey, updatedText("restored", oldDate.toISOString()), oldDate);
  expect(await pollsUntilServed("restored")).toBeLessThanOrEqual(fullRefreshPolls + 2);
  // Edits after the restoration are seen by their dates, though we held a newer one.
  const editDate = new Date("2025-03-02T00:00:00Z");
  upstream.setDocument(serverKey, updatedText("edited", editDate.toISOString()), editDate);
  await eventually(() => isServed("edited"));
  const told = proxy.lines.filter(({ fields }) => fields["updatedAt"] === oldDate.toISOString());
  expect(told).toMatchObject([{ level: "warn", fields: { servedBefore: newDate.toISOString() } }]);
});
