/** Connections to the upstream are kept, but not for ever: its name may lead elsewhere (reliability B23). */
import { afterEach, expect, test, vi } from "vitest";
import { startFaultUpstream } from "../../support/fault-upstream.ts";
import { createClient } from "../../support/upstream-settings.ts";

const serverKey = "ser.one";

afterEach(() => {
  vi.useRealTimers();
});

test("B23 a connection in constant use is left for a new one before a minute is over", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, "{}");
  // As servers ask that want their clients to stay: undici heeds it.
  upstream.setMode(serverKey, "ok", { headers: { "keep-alive": "timeout=600" } });
  await using client = createClient({ apiUrl: upstream.apiUrl });
  for (let poll = 0; poll < 60; poll += 1) {
    await client.fetchDocument({ serverKey, ifModifiedSince: null });
    vi.advanceTimersByTime(1000);
  }
  const connections = upstream.requests().map(({ connection }) => connection);
  const first = new Set(connections.slice(0, 25));
  expect(first.size).toBeLessThanOrEqual(2);
  expect(connections.slice(35, 60).filter((each) => first.has(each))).toEqual([]);
  expect(new Set(connections.slice(35, 60)).size).toBeLessThanOrEqual(2);
});
