/**
 * However far a connection to the upstream comes before it hangs, the attempt ends with its time limit, and
 * the next one is free to succeed (reliability B2).
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { startDeafUpstream } from "../../support/deaf-upstream.ts";
import { createClient, failureOf } from "../../support/upstream-settings.ts";

const requestTimeoutMs = 1000;
/** Beyond the limit, on the same event loop: whatever holds up one timer holds up the other. */
const lateMs = requestTimeoutMs + 200;
const whole = { serverKey: "ser.one", ifModifiedSince: null };
const tunnelIsThere = "HTTP/1.1 200 OK\r\n\r\n";
const apiUrl = "https://upstream.test/api/v1";

interface SilentListener extends AsyncDisposable {
  readonly url: string;
  /** How many connections were open at the same time, at most. */
  readonly most: () => number;
  /** How many pieces it was sent. */
  readonly heard: () => number;
}

/**
 * Accepts, and says no more than a sentence.
 * @param sentence in answer to whatever comes first
 * @param pauseMs before it
 */
async function startSilent(sentence = "", pauseMs = 0): Promise<SilentListener> {
  let open = 0;
  let most = 0;
  let heard = 0;
  const server = createServer((socket) => {
    open += 1;
    most = Math.max(most, open);
    socket
      .on("error", () => undefined)
      .on("close", () => {
        open -= 1;
      });
    socket.once("data", () => void sleep(pauseMs).then(() => socket.write(sentence)));
    socket.on("data", () => {
      heard += 1;
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    most: () => most,
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** The codes of so many attempts, one after the other; `late` for one that outlasts its limit. */
async function attempt(settings: Parameters<typeof createClient>[0], count = 3): Promise<string[]> {
  await using client = createClient({ requestTimeoutMs, ...settings });
  const codes: string[] = [];
  for (let done = 0; done < count; done += 1) {
    const failure = failureOf(client.fetchDocument(whole));
    const { code } = await Promise.race([failure, sleep(lateMs, { code: "late" })]);
    codes.push(code);
    await sleep(50);
  }
  return codes;
}

const timeouts = ["timeout", "timeout", "timeout"];

test.concurrent("a connection that is never accepted", async () => {
  await using deaf = await startDeafUpstream();
  expect(await attempt({ apiUrl: deaf.apiUrl })).toEqual(timeouts);
});

test.concurrent("TLS that is never begun", async () => {
  await using silent = await startSilent();
  expect(await attempt({ apiUrl: silent.url.replace("http:", "https:") })).toEqual(timeouts);
  expect(silent.most()).toBe(1);
});

test.concurrent("a forward proxy that never accepts", async () => {
  await using deaf = await startDeafUpstream();
  expect(await attempt({ apiUrl, httpsProxy: new URL(deaf.apiUrl).origin })).toEqual(timeouts);
});

// undici's own limits, which come up to half a second late, close what was given up.
test.concurrent("a forward proxy that never answers CONNECT", async () => {
  await using silent = await startSilent();
  expect(await attempt({ apiUrl, httpsProxy: silent.url }, 4)).toEqual([...timeouts, "timeout"]);
  expect(silent.most()).toBeLessThanOrEqual(2);
});

test.concurrent("TLS in a tunnel that is never begun", async () => {
  await using silent = await startSilent(tunnelIsThere);
  expect(await attempt({ apiUrl, httpsProxy: silent.url }, 4)).toEqual([...timeouts, "timeout"]);
  expect(silent.most()).toBeLessThanOrEqual(2);
});

test.concurrent("each step of a tunnel takes its time, and none is begun", async () => {
  await using silent = await startSilent(tunnelIsThere, 0.7 * requestTimeoutMs);
  expect(await attempt({ apiUrl, httpsProxy: silent.url })).toEqual(timeouts);
});

test.concurrent("a slow answer to CONNECT may take as long as a request may", async () => {
  await using slow = await startSilent(tunnelIsThere, 3600);
  await using client = createClient({ requestTimeoutMs: 6000, apiUrl, httpsProxy: slow.url });
  const failure = failureOf(client.fetchDocument(whole));
  await vi.waitFor(() => expect(slow.heard()).toBeGreaterThan(1), { timeout: 5500, interval: 20 });
  expect(await failure).toMatchObject({ code: "timeout" });
});

test.concurrent("who ends an attempt does not wait for its connection", async () => {
  await using silent = await startSilent();
  await using client = createClient({ apiUrl, httpsProxy: silent.url });
  const ending = new AbortController();
  const failure = failureOf(client.fetchDocument({ ...whole, signal: ending.signal }));
  await expect.poll(() => silent.heard()).toBe(1);
  ending.abort(new Error("no more"));
  expect(await Promise.race([failure, sleep(0, "late")])).toMatchObject({ message: "no more" });
});

test.concurrent("a forward proxy that never answers a GET", async () => {
  await using silent = await startSilent();
  expect(await attempt({ apiUrl: "http://upstream.test/api/v1", httpProxy: silent.url })).toEqual(timeouts);
  expect(silent.most()).toBe(1);
});
