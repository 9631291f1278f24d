/** What is asked with the proxy key waits for its place, and not once it is told to stop. */
import { expect, it } from "vitest";
import { limitedUpstream } from "../../../src/services/environments/limited-upstream.ts";
import { createRefreshLimiter, shareUpstream } from "../../../src/services/environments/refresh-limiter.ts";

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
    { list: limiter, usage: limiter },
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

it.each([
  [16, 12],
  [4, 3],
  [2, 1],
  [1, 1],
])("of %i places what fails takes %i, and what does well the others", async (concurrencyMax, most) => {
  const limiter = createRefreshLimiter(concurrencyMax);
  const running = { failing: 0, well: 0 };
  const hang = (kind: keyof typeof running) => {
    running[kind] += 1;
    return new Promise<void>(() => undefined);
  };
  for (let count = 0; count < 40; count += 1) void limiter(() => hang("failing"), true);
  for (let count = 0; count < 40; count += 1) void limiter(() => hang("well"));
  await new Promise(setImmediate);
  expect(running).toEqual({ failing: most, well: concurrencyMax - most });
});

/** How much runs at once where everybody asks all the time and nothing is answered; and what of each kind. */
it.each([
  [16, true, { documents: 14, list: 1, usage: 1 }],
  [3, true, { documents: 1, list: 1, usage: 1 }],
  [2, true, { documents: 1, list: 1, usage: 0 }],
  [1, true, { documents: 1, list: 0, usage: 0 }],
  [16, false, { documents: 16, list: 0, usage: 0 }],
  [1, false, { documents: 1, list: 0, usage: 0 }],
])(
  "of %s places (a proxy key: %s) %o run while documents hang",
  async (concurrencyMax, hasProxyKey, expected) => {
    const places = shareUpstream(concurrencyMax, hasProxyKey);
    const running = { documents: 0, list: 0, usage: 0 };
    for (const kind of ["documents", "list", "usage"] as const) {
      for (let count = 0; count < 20; count += 1) {
        void places[kind](() => {
          running[kind] += 1;
          return new Promise<void>(() => undefined);
        });
      }
    }
    await new Promise(setImmediate);
    expect(running).toEqual(expected);
  },
);
