/** What is kept of an event as long as its document is served: one for each environment. */
import { expect, test } from "vitest";
import { eventBytes, eventText } from "../../../src/services/realtime/stream-texts.ts";

test("an event holds memory for itself alone, none of Node's pool", () => {
  const text = eventText("1770000000.5");
  const bytes = eventBytes(text);
  expect(Buffer.from(bytes).toString()).toBe(text);
  expect(bytes.buffer.byteLength).toBe(text.length);
});
