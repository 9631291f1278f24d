/** What is asked with the proxy key waits for a place of the refreshes, and not once it is told to stop. */
import { expect, it } from "vitest";
import { limitedUpstream } from "../../../src/services/environments/limited-upstream.ts";
import { createRefreshLimiter } from "../../../src/services/environments/refresh-limiter.ts";

const batch = { id: "one", rows: [] };

/** One place, which is taken until `free` is called. */
function startRig() {
  const limiter = createRefreshLimiter(1);
  const gate = Promise.withResolvers<void>();
  const taken = limiter(() => gate.promise);
  let sent = 0;
  const upstream = limitedUpstream(
    {
      fetchEnvironments: async () => ({ digest: "", pages: [] }),
      sendUsage: async () => {
        sent += 1;
        return { isTaken: true };
      },
    },
    limiter,
  );
  const free = async () => {
    gate.resolve();
    await taken;
  };
  return { upstream, free, sent: () => sent };
}

it("waits for a place", async () => {
  const { upstream, free, sent } = startRig();
  const answer = upstream.sendUsage(batch);
  await new Promise(setImmediate);
  expect(sent()).toBe(0);
  await free();
  expect(await answer).toEqual({ isTaken: true });
});

it.each(["before it waits", "while it waits"])(
  "who is told to stop %s does not wait, and sends nothing",
  async (when) => {
    const { upstream, free, sent } = startRig();
    const stop = new AbortController();
    if (when.startsWith("before")) stop.abort(new Error("over"));
    const answer = upstream.sendUsage(batch, stop.signal);
    const refused = expect(answer).rejects.toThrow("over");
    stop.abort(new Error("over"));
    await refused;
    await free();
    await new Promise(setImmediate);
    expect(sent()).toBe(0);
  },
);
